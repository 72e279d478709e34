import { html, render } from '../vendor/lit-html/lit-html.js'
import { copy } from '../parts/copy.js'

/**
 * Shows the code of the view.
 * @param {HTMLElement} section
 * @param {string} snippet JavaScript
 */
export function showCode(section, snippet) {
  render(html`
    <h2 id="code-title">The same in your page</h2>
    <div class="beside">
      <p>What you see, in a few lines. Paste them into a module script, or into the console of this page.</p>
      <span class="toolrow"><button type="button" @click=${({ target }) => copy(target, location.href)}>Copy link to this view</button> <button type="button" @click=${({ target }) => {
        const code = section.querySelector('#snippet')
        copy(target, code.textContent, code)
      }}>Copy code</button></span>
    </div>
    <pre tabindex="0" aria-label="JavaScript"><code id="snippet">${snippet}</code></pre>`, section)
}
