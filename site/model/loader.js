import { sayError } from './attempt.js'
import { byId, sayBytes, sayCount } from './dom.js'
import { hubName, ownModel } from './link.js'

/**
 * Whether a model is fetched from elsewhere than this site: a hub name, or an
 * address of another host.
 * @param {string} name
 * @returns {boolean}
 */
export function isElsewhere(name) {
  if (hubName.test(name)) return true
  return URL.canParse(name, document.baseURI) && new URL(name, document.baseURI).origin !== location.origin
}

/** Loads models, one at a time, and shows how far it is. */
export class ModelLoader {
  /** The name of the loaded model. */
  name = ''
  /** What it was asked to run on: options of load. The next model is asked the same. */
  options = {}
  /** @type {import('../../js/vitrine.d.ts').Model|null} */
  model = null
  #abort = null
  #announce
  #begun
  #loaded
  #ended

  /**
   * @param {{announce: (words: string) => void, begun: () => void, loaded: (seconds: number) => void,
   *   ended: () => void}} on begun and ended come around every load, loaded only where it succeeds
   */
  constructor({ announce, begun, loaded, ended }) {
    this.#announce = announce
    this.#begun = begun
    this.#loaded = loaded
    this.#ended = ended
    const input = byId('model-input')
    byId('model-form').addEventListener('submit', (event) => {
      event.preventDefault()
      const name = input.value.trim()
      byId('suggestion').textContent = ''
      if (name) this.load(name)
      else this.#fail('Write the address of a folder or a hub name first.')
    })
    byId('model-abort').addEventListener('click', () => this.#abort?.abort())
  }

  /**
   * Asks before a model is loaded that a link names and that lies elsewhere.
   * @param {string} name
   */
  suggest(name) {
    byId('model-input').value = name
    byId('suggestion').textContent = `The link you followed asks for ${name}, from another host. Press Load to fetch it.`
  }

  /**
   * Loads a model and puts it in the place of the one before, which works until
   * then. Where there was none, the page's own comes in the place of one that fails.
   * @param {string} name a folder's address or a hub name
   * @param {{device?: string, dtype?: string}} options of load
   */
  async load(name, options = this.options) {
    byId('model-error').textContent = ''
    this.#abort?.abort() // the one that is on its way, if any
    const plain = name === ownModel && !Object.keys(options).length
    if (!await this.#tryLoad(name, options) && !this.model && !plain) await this.#tryLoad(ownModel, {})
  }

  /**
   * @param {string} name
   * @param {{device?: string, dtype?: string}} options
   * @returns {Promise<boolean>} Whether it was loaded; if not, the page says why.
   */
  async #tryLoad(name, options) {
    const abort = this.#abort = new AbortController()
    const start = performance.now()
    this.#begun()
    this.#busy(true)
    this.#progress({ stage: 'engine', loaded: 0, total: null })
    try {
      const { load } = await import('../js/vitrine.js')
      const model = await load(name, { ...options, signal: abort.signal, onProgress: (progress) => this.#progress(progress) })
      if (abort.signal.aborted) {
        model.close()
        throw abort.signal.reason
      }
      this.model?.close()
      this.model = model
      this.name = name
      this.options = options
      this.#describe()
      byId('loading-words').textContent = `${shortName(name)} is in.`
      this.#loaded((performance.now() - start) / 1000)
      return true
    } catch (error) {
      if (this.#abort !== abort) return true // another load has taken its place
      if (abort.signal.aborted) byId('loading-words').textContent = 'Stopped.'
      else this.#fail(sayError(error))
      if (this.model) this.#announce(`${shortName(this.name)} stays in`)
      else this.#announce('No model is in: see below')
      return false
    } finally {
      if (this.#abort === abort) {
        this.#busy(false)
        this.#ended()
      }
    }
  }

  /** @param {boolean} busy */
  #busy(busy) {
    byId('model-load').hidden = busy
    byId('model-abort').hidden = !busy
    byId('progress').classList.toggle('busy', busy)
  }

  /** @param {string} words */
  #fail(words) {
    byId('loading-words').textContent = ''
    byId('model-error').textContent = words
  }

  /** @param {{stage: string, loaded: number, total: number|null}} progress */
  #progress({ stage, loaded, total }) {
    const bar = byId('progress')
    if (total) bar.value = loaded / total
    else bar.removeAttribute('value')
    const what = stage === 'engine' ? 'the engine' : 'the weights'
    const percent = total ? `, ${Math.floor(loaded / total * 100)} %` : ''
    const amount = total ? `: ${sayBytes(loaded)} of ${sayBytes(total)}${percent}` : ''
    byId('loading-words').textContent = `Fetching ${what}${amount}`
    if (!this.model) this.#announce(`Fetching ${what}`)
  }

  /** Writes the placard, and what the page says about this model. */
  #describe() {
    const { architecture, parameters, shapes } = this.model.info
    const own = this.name === ownModel
    byId('model-name').textContent = shortName(this.name)
    const size = shapes.image[0] ? `${shapes.image[1]} × ${shapes.image[0]} pixels` : `up to ${shapes.maxPatches} patches`
    byId('model-what').textContent = `${architecture}, ${shapes.layers} layers of ${shapes.heads} heads`
    byId('model-how').textContent = `${size}, ${sayCount(parameters)} parameters`
    byId('card-default').hidden = byId('samples-known').hidden = !own
    byId('card-other').hidden = own
    const link = byId('card-link')
    link.href = hubName.test(this.name)
      ? `https://huggingface.co/${this.name}`
      : `${new URL(this.name, document.baseURI).href.replace(/\/$/, '')}/README.md`
  }
}

/**
 * @param {string} name
 * @returns {string} its last part
 */
export function shortName(name) {
  return name.replace(/\/+$/, '').split('/').at(-1)
}
