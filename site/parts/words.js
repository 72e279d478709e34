// Small helpers for the page's own elements. Text goes in as text, never as markup.

/**
 * Finds an element of the page.
 * @param {string} id
 * @returns {HTMLElement} Throws where the page has no such element.
 */
export function byId(id) {
  const element = document.getElementById(id)
  if (!element) throw new Error(`index.html has no element with the id ${id}`)
  return element
}

/**
 * Makes an element.
 * @param {string} tag
 * @param {Record<string, string|boolean|number>} attributes true sets an empty attribute, false none
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '')
    else if (value !== false) element.setAttribute(name, String(value))
  }
  element.append(...children)
  return element
}

/**
 * Says a number of bytes as people do, in powers of 1,000.
 * @param {number} bytes
 * @returns {string}
 */
export function sayBytes(bytes) {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(bytes < 1e5 ? 1 : 0)} kB`
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`
}

/**
 * Says a count in words of thousands and millions: 1.78 million.
 * @param {number} count
 * @returns {string}
 */
export function sayCount(count) {
  if (count >= 1e6) return `${(count / 1e6).toPrecision(3)} million`
  return count.toLocaleString('en')
}

/** @returns {boolean} Whether the visitor asked for less movement. */
export function calm() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches
}

/**
 * Puts a text on the clipboard, and says so on the button for a moment. Where the
 * clipboard is refused (a page without https), the text is selected instead, so
 * that the usual keys copy it.
 * @param {HTMLButtonElement} button
 * @param {string} text
 * @param {HTMLElement} [shown] the element whose content is that text
 */
export async function copy(button, text, shown) {
  const name = button.dataset.name ??= button.textContent
  let said = 'Copied'
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    said = shown ? 'Selected: press Ctrl+C' : 'The browser refused'
    if (shown) getSelection().selectAllChildren(shown)
  }
  button.textContent = said
  clearTimeout(Number(button.dataset.timer))
  button.dataset.timer = String(setTimeout(() => { button.textContent = name }, 1600))
}

/**
 * Reads a colour of style.css for a canvas.
 * @param {string} name of the custom property, with its dashes
 * @returns {string} a CSS colour for the theme that is on
 */
export function themeColour(name) {
  const probe = byId('colour-probe')
  probe.style.setProperty('color', `var(${name})`)
  return getComputedStyle(probe).color
}
