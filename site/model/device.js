import { attempt } from '../page/attempt.js'
import { byId, make } from '../page/dom.js'
import { loadOptions } from '../page/link.js'

/** What the kernels are called where people read it. */
const kernels = { relaxed: 'SIMD, relaxed', plain: 'SIMD', scalar: 'plain code, no SIMD' }

/** What computes, and why; the visitor chooses another, and compares. */
export class DevicePanel {
  #loader
  #picture
  #around
  #controls = { device: byId('device'), dtype: byId('dtype') }
  #compared = null // the comparison that runs

  /**
   * @param {import('../page/model.js').ModelLoader} loader
   * @param {() => [ImageData, object]} picture in view, and options of calls with it
   * @param {{begun: () => void, ended: () => void}} around come around every comparison
   */
  constructor(loader, picture, around) {
    this.#loader = loader
    this.#picture = picture
    this.#around = around
    const { device, dtype } = this.#controls
    if (!navigator.gpu) device.querySelector('[value=webgpu]').remove()
    for (const control of [device, dtype]) {
      control.addEventListener('change', async () => {
        const wanted = device.selectedOptions[0].textContent
        const loaded = await loader.load(loader.name, loadOptions({ device: device.value, dtype: dtype.value }))
        const place = byId('compare-error')
        place.hidden = loaded
        place.textContent = loaded ? '' : `“${wanted}” could not be had: ${byId('model-error').textContent}`
        this.#follow() // also where it could not be had
      })
    }
    byId('compare').addEventListener('click', () => attempt('compare-error', () => this.#compare()))
  }

  /** Takes the model that was loaded. There is nothing to compare until it has answered. */
  offer() {
    this.#follow()
    this.forget()
    this.show()
    byId('compare').disabled = true
  }

  /** Offers to compare what the model has answered. */
  answered() {
    this.show()
    byId('compare').disabled = this.#compared !== null
  }

  /** Takes a comparison back: it was of another picture or model. */
  forget() {
    this.#compared?.abort()
    byId('compared').textContent = ''
  }

  /** Says what runs, as it is now: a device may be given up later. */
  show() {
    const { device, workers, dtype, gpu, fallback, kernels: name } = this.#loader.model.info
    const on = device === 'webgpu' ? 'your graphics card' : 'your processor'
    const facts = [['Runs on', device === 'webgpu' ? on : `${on}, ${workers === 1 ? 'one worker' : `${workers} workers`}`]]
    facts.push(['Kernels', kernels[name] ?? name], ['Arithmetic', dtype])
    if (gpu.name) facts.push(['Graphics card', gpu.name])
    if (gpu.pipelines) facts.push(['Made ready in', `${gpu.compileMs.toFixed(0)} ms, ${gpu.pipelines} pipelines`])
    const chosen = this.#loader.options.device ?? 'auto'
    if (fallback) facts.push(['Not faster, because', fallback])
    else facts.push(['Why', chosen !== 'auto' ? 'you chose it' : device === 'webgpu' ? 'the model is large enough to be worth it' : 'it is the fastest for a model of this size'])
    byId('device-facts').replaceChildren(...facts.map(([key, value]) => make('div', {}, make('dt', {}, key), make('dd', {}, value))))
  }

  /** Shows in the controls what the model was asked to run on. */
  #follow() {
    const { device = 'auto', dtype = 'auto' } = this.#loader.options
    Object.assign(this.#controls.device, { value: device })
    Object.assign(this.#controls.dtype, { value: dtype })
  }

  /**
   * Loads the model once more, to run on one worker in float32 without SIMD, and says
   * how well the device that is chosen agrees with it on the picture in view.
   */
  async #compare() {
    const { model, name } = this.#loader
    const button = byId('compare')
    const words = byId('compared')
    this.forget()
    const { signal } = this.#compared = new AbortController()
    button.disabled = true
    this.#around.begun()
    try {
      const [pixels, options] = this.#picture()
      const { load } = await import('../js/vitrine.js')
      const plain = await load(name, {
        device: 'scalar', dtype: 'f32', workers: 1, signal,
        onProgress: ({ loaded, total }) => { words.textContent = total ? `Fetching it once more: ${Math.floor(loaded / total * 100)} %` : 'Fetching it once more' },
      })
      try {
        words.textContent = 'Computing with both'
        const [a, b] = [await vectorOf(model, pixels, { ...options, signal }), await vectorOf(plain, pixels, { ...options, signal })]
        const { device, dtype } = model.info
        words.textContent = `On this picture, ${device} ${dtype} and plain float32 differ by at most ${worst(a, b).toExponential(1)} of the largest value, and have a cosine of ${cosine(a, b).toFixed(7)}.`
      } finally {
        plain.close()
      }
    } catch (error) {
      words.textContent = ''
      if (!signal.aborted) throw error
    } finally {
      this.#compared = null
      button.disabled = false
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
