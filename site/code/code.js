import { html, render } from '../vendor/lit-html/lit-html.js'
import { hubName } from '../model/link.js'
import { copy } from '../parts/copy.js'

/**
 * Writes a value as JavaScript.
 * @param {unknown} value
 * @returns {string} with single quotes, as everywhere in the snippet
 */
function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'string') return String(value)
  return `'${value.replace(/[\\']/g, '\\$&').replace(/[\n\r\u2028\u2029]/g, ' ')}'`
}

/**
 * Writes the last argument of a call.
 * @param {Record<string, unknown>} options
 * @returns {string} with a comma before it; '' where there are no options
 */
function last(options) {
  const entries = Object.entries(options)
  return entries.length ? `, { ${entries.map(([name, value]) => `${name}: ${literal(value)}`).join(', ')} }` : ''
}

/**
 * Writes the JavaScript that does what the page shows, with absolute addresses: it works
 * wherever it is pasted on this site.
 * @param {{model: string, options: object, tasks: readonly string[], labels: string[], template: string,
 *   picture: string, call: object, method: string, layer: number, head: number|null, about: string[]}} view
 *   options of load; picture: the address of a sample, or '' for the paper;
 *   call: options of every call with it; about: labels or classes for relevance, the shown one first
 * @param {string} base address of the page
 * @returns {string}
 */
function snippetOf({ model, options, tasks, labels, template, picture, call, method, layer, head, about }, base) {
  const address = (path) => new URL(path, base).href
  const name = hubName.test(model) ? model : address(model)
  const written = template === '{}' ? call : { ...call, template }
  const lines = [
    `const { load } = await import(${literal(address('js/vitrine.js'))})`,
    `const model = await load(${literal(name)}${last(options)})`,
    picture
      ? `const picture = ${literal(address(picture))}`
      : `const picture = document.querySelector('canvas') // or an img, a File, an address`,
  ]
  if (tasks.includes('rank') && labels.length) {
    lines.push(`const { ranking } = await model.rank(picture, ${literal(labels)}${last(written)})`)
    lines.push(`console.log(ranking[0].label, ranking[0].score)`)
  } else if (tasks.includes('classify')) {
    lines.push(`const { classes } = await model.classify(picture${last(call)})`)
    lines.push(`console.log(classes[0].label, classes[0].score)`)
  }
  if (method === 'colors') {
    lines.push(`const { data, grid } = await model.colors(picture${last(call)})`, `console.log(grid, data)`)
  } else if (method === 'dense' || method === 'contribution') {
    if (about.length) {
      const how = tasks.includes('rank') ? written : call
      lines.push(`const { maps } = await model.relevance(picture, ${literal(about)}${last({ ...how, method })})`)
      lines.push(`console.log(maps[0].label, maps[0].grid, maps[0].contrast)`)
    }
  } else if (method) {
    const which = method === 'raw' ? { layer, ...(head !== null && { head }) } : method === 'rollout' ? { layer, method } : { method }
    lines.push(`const map = await model.attention(picture${last({ ...call, ...which })})`)
    lines.push(`console.log(map.grid, map.data)`)
  }
  if (tasks.includes('visualTokens')) lines.push(`const { shape } = await model.visualTokens(picture${last(call)})`, `console.log(shape)`)
  if (tasks.includes('embedImage')) lines.push(`const { embedding } = await model.embedImage(picture${last(call)})`, `console.log(embedding)`)
  return lines.join('\n')
}

/**
 * Shows the code of a view.
 * @param {HTMLElement} section
 * @param {object} view as snippetOf takes it
 */
export function showCode(section, view) {
  render(html`
    <h2 id="code-title">The same in your page</h2>
    <div class="beside">
      <p>What you see, in a few lines. Paste them into a module script, or into the console of this page.</p>
      <span class="toolrow"><button type="button" @click=${({ target }) => void copy(target, location.href)}>Copy link to this view</button> <button type="button" @click=${({ target }) => {
        const code = section.querySelector('#snippet')
        void copy(target, code.textContent, code)
      }}>Copy code</button></span>
    </div>
    <pre tabindex="0" aria-label="JavaScript"><code id="snippet">${snippetOf(view, document.baseURI)}</code></pre>`, section)
}
