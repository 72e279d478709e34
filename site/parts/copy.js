/**
 * Copies a text to the clipboard, and says so on the button for a moment. Where the
 * clipboard is refused (a page without https), the text is selected instead, so that
 * Ctrl+C copies it.
 * @param {HTMLButtonElement} button its text is no part of a template that changes
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
