import { html, render } from '../vendor/lit-html/lit-html.js'
import { attempt } from '../parts/attempt.js'
import { choices, errorLine, factList, selectField } from '../parts/templates.js'
import { loadOptions } from './link.js'

/** The names of the kernels on the page. */
const kernelNames = { relaxed: 'SIMD, relaxed', plain: 'SIMD', scalar: 'plain code, no SIMD' }

const devices = [['auto', 'the best there is'], ['webgpu', 'graphics card'], ['simd', 'processor, SIMD'], ['scalar', 'processor, plain']]
const dtypes = [['auto', "the file's own"], ['f32', 'float32'], ['f16', 'float16 weights'], ['q8', 'int8']]

/** What the model runs on, and why; the visitor chooses another device, and compares. */
export class DevicePanel {
  #section
  #loader
  #picture
  #around
  #answered = false // whether the model has answered; before, there is nothing to compare
  /** @type {AbortController|null} of the comparison that runs */
  #comparison = null
  #words = ''
  error = ''

  /**
   * @param {HTMLElement} section
   * @param {import('./loader.js').ModelLoader} loader
   * @param {() => [ImageData, object]} picture gives the picture in view, and the options of
   *   calls with it
   * @param {{begun: () => void, ended: () => void}} around called before and after every comparison
   */
  constructor(section, loader, picture, around) {
    this.#section = section
    this.#loader = loader
    this.#picture = picture
    this.#around = around
  }

  /** Takes the model that was loaded. */
  offer() {
    this.#answered = false
    this.forget()
  }

  /** Offers a comparison of what the model has answered, and says what runs: that may change during use. */
  answered() {
    this.#answered = true
    this.update()
  }

  /** Ends or removes a comparison that is of another picture or model. */
  forget() {
    this.#comparison?.abort()
    this.#words = ''
    this.update()
  }

  /** @returns {[string, string][]} what runs now */
  get #facts() {
    const { device, workers, dtype, gpu, fallback, kernels } = this.#loader.model.info
    const chosen = this.#loader.options.device ?? 'auto'
    const onGPU = device === 'webgpu'
    const facts = [
      ['Runs on', onGPU ? 'your graphics card' : `your processor, ${workers === 1 ? 'one worker' : `${workers} workers`}`],
      ['Kernels', kernelNames[kernels] ?? kernels], ['Arithmetic', dtype],
    ]
    if (gpu.name) facts.push(['Graphics card', gpu.name])
    if (gpu.pipelines) facts.push(['Prepared in', `${gpu.compileMs.toFixed(0)} ms, ${gpu.pipelines} pipelines`])
    if (fallback) facts.push(['Not faster, because', fallback])
    else facts.push(['Why', chosen !== 'auto' ? 'you chose it' : onGPU ? 'the model is large enough to be worth it' : 'it is the fastest for a model of this size'])
    return facts
  }

  update() {
    const { device = 'auto', dtype = 'auto' } = this.#loader.options
    const offered = devices.filter(([value]) => value !== 'webgpu' || navigator.gpu)
    render(html`
      <h2 id="computes-title">What it runs on</h2>
      <div id="device-facts">${factList(this.#facts)}</div>
      <div class="toolrow">
        ${selectField('Device', 'device', choices(offered, device), { change: (value) => this.#choose({ device: value, dtype }, offered, value) })}
        ${selectField('Arithmetic', 'dtype', choices(dtypes, dtype), { change: (value) => this.#choose({ device, dtype: value }, dtypes, value) })}
      </div>
      <p class="whisper">Another choice loads the model again. <a href="speed.html">How fast it is</a>, beside onnxruntime-web.</p>
      <button type="button" id="compare" ?disabled=${!this.#answered || this.#comparison} @click=${() => attempt(this, () => this.#compare())}>Compare with plain float32</button>
      <p class="whisper reading" id="compared" role="status">${this.#words}</p>
      ${errorLine('compare-error', this.error)}`, this.#section)
  }

  /**
   * Loads the model again, to run on another device or in another arithmetic.
   * @param {{device: string, dtype: string}} choice
   * @param {[string, string][]} offered
   * @param {string} chosen which of them the visitor chose
   */
  async #choose(choice, offered, chosen) {
    const loaded = await this.#loader.load(this.#loader.name, loadOptions(choice))
    const [, name] = offered.find(([value]) => value === chosen)
    this.error = loaded ? '' : `“${name}” could not be loaded: ${this.#loader.error}`
    this.update()
  }

  /**
   * Loads the model once more, on one worker in float32 without SIMD, and says how much
   * the results of the two differ on the picture in view.
   */
  async #compare() {
    const { model, name } = this.#loader
    const say = (words) => {
      this.#words = words
      this.update()
    }
    this.forget()
    const { signal } = this.#comparison = new AbortController()
    this.update()
    this.#around.begun()
    try {
      const [pixels, options] = this.#picture()
      const { load } = await import('../../js/vitrine.js')
      const plain = await load(name, {
        device: 'scalar', dtype: 'f32', workers: 1, signal,
        onProgress: ({ loaded, total }) => say(total ? `Fetching it once more: ${Math.floor(loaded / total * 100)} %` : 'Fetching it once more'),
      })
      try {
        say('Computing with both')
        const [a, b] = [await vectorOf(model, pixels, { ...options, signal }), await vectorOf(plain, pixels, { ...options, signal })]
        const { device, dtype } = model.info
        say(`On this picture, ${device} ${dtype} and plain float32 differ by at most ${worst(a, b).toExponential(1)} of the largest value, and have a cosine of ${cosine(a, b).toFixed(7)}.`)
      } finally {
        plain.close()
      }
    } catch (error) {
      this.#words = ''
      if (!signal.aborted) throw error
    } finally {
      this.#comparison = null
      this.update()
      this.#around.ended()
    }
  }
}

/**
 * @param {import('../../js/vitrine.d.ts').Model} model
 * @param {ImageData} pixels
 * @param {object} options of the call
 * @returns {Promise<Float32Array>} the embedding, or all features where there is none
 */
async function vectorOf(model, pixels, options) {
  if (model.info.tasks.includes('embedImage')) return (await model.embedImage(pixels, options)).embedding
  return (await model.features(pixels, options)).data
}

/** @param {Float32Array} a @param {Float32Array} b @returns {number} their largest difference, over the largest value of b */
function worst(a, b) {
  const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return largest(a.map((value, i) => value - b[i])) / largest(b)
}

/** @param {Float32Array} a @param {Float32Array} b @returns {number} */
function cosine(a, b) {
  const dot = (u, v) => u.reduce((sum, value, i) => sum + value * v[i], 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}
