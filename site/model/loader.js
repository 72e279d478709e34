import { sayBytes, sayError } from '../parts/words.js'
import { hubName, ownModel } from './link.js'

/**
 * Whether a model is fetched from another host than the page's: a hub name, or an
 * address of such a host.
 * @param {string} name
 * @returns {boolean}
 */
export function isElsewhere(name) {
  if (hubName.test(name)) return true
  return URL.canParse(name, document.baseURI) && new URL(name, document.baseURI).origin !== location.origin
}

/**
 * @param {string} name
 * @returns {string} its last part
 */
export function shortName(name) {
  return name.replace(/\/+$/, '').split('/').at(-1)
}

/** Loads models, one at a time. Its fields say how far it is. */
export class ModelLoader {
  /** The name of the loaded model. */
  name = ''
  /** The options of load that the model was loaded with. The next one gets the same. */
  options = {}
  /** @type {import('../../js/vitrine.d.ts').Model|null} */
  model = null
  /** Whether a model is being loaded. */
  busy = false
  /** @type {number|null} 0 to 1; null where the total is not known */
  progress = null
  /** How far loading is, in words; '' where nothing is to be said. */
  words = ''
  /** Why loading failed; '' where it didn't. */
  error = ''
  /** The name of a model that a link asks for, from another host; '' where none does. */
  suggestion = ''
  #abort = null
  #on

  /**
   * @param {{announce: (words: string) => void, changed: () => void, begun: () => void,
   *   loaded: (seconds: number) => void, ended: () => void}} on changed is called whenever a
   *   field changes; begun and ended at the beginning and the end of every load; loaded only where
   *   it succeeds
   */
  constructor(on) {
    this.#on = on
  }

  /**
   * Asks the visitor before a model is loaded that a link names, from another host.
   * @param {string} name '' takes the question back
   */
  suggest(name) {
    this.suggestion = name
    this.#on.changed()
  }

  /** Stops the load that is running, if any. */
  stop() {
    this.#abort?.abort()
  }

  /**
   * Says that a load failed.
   * @param {string} words
   */
  fail(words) {
    this.words = ''
    this.error = words
    this.#on.changed()
  }

  /**
   * Loads a model. The model before works until then, and is closed then. Where there was
   * none and the load fails, the page's own model is loaded.
   * @param {string} name a folder's address or a hub name
   * @param {{device?: string, dtype?: string}} options of load
   * @returns {Promise<boolean>} Whether it was loaded, or another load has replaced this one;
   *   if not, error says why.
   */
  async load(name, options = this.options) {
    this.error = ''
    this.stop()
    if (await this.#tryLoad(name, options)) return true
    const plain = name === ownModel && !Object.keys(options).length
    if (!this.model && !plain) await this.#tryLoad(ownModel, {})
    return false
  }

  /**
   * @param {string} name
   * @param {{device?: string, dtype?: string}} options
   * @returns {Promise<boolean>} as load
   */
  async #tryLoad(name, options) {
    const { announce, begun, loaded, ended } = this.#on
    const abort = this.#abort = new AbortController()
    const start = performance.now()
    begun()
    this.busy = true
    this.#showProgress({ stage: 'engine', loaded: 0, total: null })
    try {
      const { load } = await import('../../js/vitrine.js')
      const model = await load(name, { ...options, signal: abort.signal, onProgress: (progress) => this.#showProgress(progress) })
      if (abort.signal.aborted) {
        model.close()
        throw abort.signal.reason
      }
      if (!model.info.tasks.includes('features')) {
        model.close()
        throw new Error(`${shortName(name)} has no picture tower; this page is about pictures`)
      }
      this.model?.close()
      Object.assign(this, { model, name, options, words: `${shortName(name)} is loaded.` })
      loaded((performance.now() - start) / 1000)
      return true
    } catch (error) {
      if (this.#abort !== abort) return true // another load has replaced this one
      if (abort.signal.aborted) this.words = 'Stopped.'
      else this.fail(sayError(error))
      announce(this.model ? `${shortName(this.name)} stays loaded` : 'No model is loaded; the reason is below')
      return false
    } finally {
      if (this.#abort === abort) {
        this.busy = false
        ended()
        this.#on.changed()
      }
    }
  }

  /** @param {{stage: string, loaded: number, total: number|null}} progress */
  #showProgress({ stage, loaded, total }) {
    const what = stage === 'engine' ? 'the engine' : 'the weights'
    this.progress = total ? loaded / total : null
    this.words = `Fetching ${what}` + (total ? `: ${sayBytes(loaded)} of ${sayBytes(total)}, ${Math.floor(loaded / total * 100)} %` : '')
    if (!this.model) this.#on.announce(`Fetching ${what}`)
    this.#on.changed()
  }
}
