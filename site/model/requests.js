import { byId, make, sayBytes } from './dom.js'

/** Since when requests are counted, in milliseconds of the page's clock. */
let since = Infinity
let later = 0

/**
 * Counts the requests that the page makes after its model is ready, as the browser
 * reports them. (Those of the worker are in the list: info.requests.)
 */
export function watchRequests() {
  new PerformanceObserver((list) => {
    later += list.getEntries().filter((entry) => entry.startTime > since).length
    showLater()
  }).observe({ type: 'resource' })
}

/** Stops counting while a model is loaded. */
export function stopCounting() {
  since = Infinity
}

/** Counts from now, and from nothing. */
export function startCounting() {
  since = performance.now()
  later = 0
  showLater()
}

/** Says how many came since. */
function showLater() {
  const element = byId('facts').querySelector('[data-fact=later]')
  if (element) element.textContent = String(later)
}

/**
 * Shows what was fetched.
 * @param {object} info of the model
 * @param {number} seconds that loading took
 */
export function showRequests(info, seconds) {
  const facts = [
    ['Weights', sayBytes(info.bytes)],
    ['Ready after', `${seconds.toFixed(2)} s`],
    ['Requests since', '0', 'later'],
  ]
  byId('facts').replaceChildren(...facts.map(([name, value, key]) =>
    make('div', {}, make('dt', {}, name), make('dd', key ? { 'data-fact': key } : {}, value))))

  const page = performance.getEntriesByType('resource')
    .map(({ name, decodedBodySize }) => ({ url: name, bytes: decodedBodySize, status: 200 }))
  const self = performance.getEntriesByType('navigation').map((entry) => ({ url: location.href.split('#')[0], bytes: entry.decodedBodySize, status: 200 }))
  // A file that the page and the worker share is one file.
  const files = [...new Map([...self, ...page, ...info.requests].map((file) => [file.url, file])).values()]
  files.sort((a, b) => b.bytes - a.bytes)
  byId('fetched').replaceChildren(...files.map(({ url, bytes, status }) =>
    make('tr', {}, make('th', { scope: 'row' }, shorten(url)), make('td', { class: 'number' }, status === 404 ? 'not there' : sayBytes(bytes)))))
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  byId('fetched-total').textContent = `(${files.length} files, ${sayBytes(total)} unpacked)`
}

/**
 * @param {string} url
 * @returns {string} relative to the page where it lies below it
 */
function shorten(url) {
  const here = new URL('.', location.href).href
  return url.startsWith(here) ? url.slice(here.length) || 'index.html' : url
}
