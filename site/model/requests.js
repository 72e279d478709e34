import { html, render } from '../vendor/lit-html/lit-html.js'
import { factList } from '../parts/templates.js'
import { sayBytes } from '../parts/words.js'

/** What was fetched, and that nothing is fetched after it. */
export class Requests {
  #element
  #since = Infinity // from when requests are counted, in milliseconds of the page's clock
  #count = 0
  /** @type {{bytes: number, seconds: number, files: {url: string, bytes: number, status: number}[]}|null} of
   * the last load: bytes of the weights, how long it took, all files, the largest first */
  #loaded = null

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element
    // The browser reports the requests of the page. Those of the worker are in info.requests.
    new PerformanceObserver((list) => {
      this.#count += list.getEntries().filter(({ startTime }) => startTime > this.#since).length
      this.#update()
    }).observe({ type: 'resource' })
  }

  /** Stops counting, while a model is loaded. */
  stop = () => {
    this.#since = Infinity
  }

  /** Counts from now, starting at zero. */
  start = () => {
    this.#since = performance.now()
    this.#count = 0
    this.#update()
  }

  /**
   * Lists what was fetched.
   * @param {object} info of the model
   * @param {number} seconds that loading took
   */
  show(info, seconds) {
    const files = (type) => performance.getEntriesByType(type)
      .map(({ name, decodedBodySize }) => ({ url: name.split('#')[0], bytes: decodedBodySize, status: 200 }))
    // A file that the page and the worker share is one file.
    const all = [...files('navigation'), ...files('resource'), ...info.requests]
    const once = [...new Map(all.map((file) => [file.url, file])).values()]
    this.#loaded = { bytes: info.bytes, seconds, files: once.sort((a, b) => b.bytes - a.bytes) }
    this.#update()
  }

  #update() {
    if (!this.#loaded) return
    const { bytes, seconds, files } = this.#loaded
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
    render(html`
      ${factList([['Weights', sayBytes(bytes)], ['Ready after', `${seconds.toFixed(2)} s`], ['Requests since', String(this.#count), 'requests']])}
      <details>
        <summary>What was fetched <span>(${files.length} files, ${sayBytes(total)} unpacked)</span></summary>
        <div class="scroll" tabindex="0" role="region" aria-label="Files fetched"><table class="plain"><caption class="sr">Files fetched</caption>
          <thead><tr><th scope="col">File</th><th scope="col" class="number">Size</th></tr></thead>
          <tbody id="fetched">${files.map(({ url, bytes, status }) => html`<tr><th scope="row">${shorten(url)}</th><td class="number">${status === 404 ? 'not there' : sayBytes(bytes)}</td></tr>`)}</tbody>
        </table></div>
      </details>`, this.#element)
  }
}

/**
 * @param {string} url
 * @returns {string} relative to the page where it lies in the page's folder
 */
function shorten(url) {
  const here = new URL('.', location.href).href
  return url.startsWith(here) ? url.slice(here.length) || 'index.html' : url
}
