// What the page shows of a loaded model beside the ranking. All of it is fetched
// when the first ranking is there, so that this comes as soon as it can.

import { attempt } from '../page/attempt.js'
import { byId } from '../page/dom.js'
import { DevicePanel } from './device.js'
import { EmbeddingView } from './embedding.js'
import { Maps, usualMap } from './maps.js'
import { showSlots } from './slots.js'
import { snippetOf } from './snippet.js'
import { TraceView } from './trace.js'

export { snippetOf, usualMap }

/** The maps, the embedding, the slots, the way through the model, and the device. */
export class Views {
  maps
  embedding = new EmbeddingView()
  #trace
  #device
  #patches
  #last = null // pixels of the picture that was answered

  /**
   * @param {{loader: import('../page/model.js').ModelLoader, patches: import('../page/patches.js').Patches,
   *   changed: () => void, around: {begun: () => void, ended: () => void}}} page changed is called when
   *   the visitor wants to see something else; around is for requests that are asked for
   */
  constructor({ loader, patches, changed, around }) {
    this.maps = new Maps(changed)
    this.#patches = patches
    this.#trace = new TraceView(changed)
    this.#device = new DevicePanel(loader, () => [this.#last, patches.options], around)
  }

  /**
   * Takes a model and offers what it can do.
   * @param {object} info of the model
   * @param {import('../page/link.js').View} view that is asked for
   */
  offer(info, view) {
    byId('embedding').hidden = !info.tasks.includes('embedImage')
    byId('embedding-words').hidden = !info.tasks.includes('embedText')
    byId('slots-part').hidden = !info.tasks.includes('visualTokens')
    this.embedding.show(null)
    this.maps.offer(info)
    this.maps.choose(view)
    this.#device.offer()
  }

  /**
   * Shows what there is of a picture.
   * @param {import('../../js/vitrine.d.ts').Model} model
   * @param {ImageData} pixels
   * @param {{fresh: boolean, asked: object, yields: () => boolean}} question whether the picture is
   *   another; what was ranked (see Maps.answer); whether something newer is to be answered first
   */
  async answer(model, pixels, { fresh, asked, yields }) {
    const { tasks } = model.info
    const { options } = this.#patches
    this.#last = pixels
    if (fresh) {
      this.#device.forget()
      this.maps.showPicture(pixels)
      if (tasks.includes('embedImage')) await attempt('embedding-error', async () => this.embedding.show((await model.embedImage(pixels, options)).embedding))
    }
    if (yields()) return
    await attempt('map-error', async () => {
      const grid = await this.maps.answer(model, pixels, options, asked)
      if (grid) this.#patches.show(grid)
    })
    if (yields()) return
    if (fresh && tasks.includes('visualTokens')) await attempt('slots-error', () => showSlots(model, pixels, options))
    await attempt('trace-error', () => this.#trace.answer(model, pixels, options))
    this.#device.answered()
  }
}
