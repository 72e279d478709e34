// The parts of the first page that show the inside of a model: maps, embedding, visual
// tokens, stages, device, and code. The page fetches them after the first ranking, which
// therefore appears sooner.

import { showCode } from '../code/code.js'
import { EmbeddingView } from '../embedding/embedding.js'
import { Maps, usualMap } from '../maps/maps.js'
import { DevicePanel } from '../model/device.js'
import { attempt } from '../parts/attempt.js'
import { VisualTokens } from '../ranking/visualtokens.js'
import { StagesView } from '../stages/stages.js'

export { usualMap }

export class Inside {
  maps
  #embedding
  #stages
  #device
  #code
  #visualTokens
  #patches
  /** @type {ImageData|null} of the picture that was answered */
  #pixels = null

  /**
   * @param {(id: string) => HTMLElement} section empties a section of the page, and gives it
   * @param {{loader: import('../model/loader.js').ModelLoader, patches: import('../model/patches.js').Patches,
   *   ranking: import('../ranking/ranking.js').Ranking, changed: () => void,
   *   around: {begun: () => void, ended: () => void}}} page changed is called when the visitor wants to
   *   see something else; around before and after the visitor makes the page fetch something
   */
  constructor(section, { loader, patches, ranking, changed, around }) {
    this.#visualTokens = new VisualTokens(ranking)
    this.#patches = patches
    this.maps = new Maps(section('maps'), patches, ranking, changed)
    this.#embedding = new EmbeddingView(section('embedding'))
    this.#stages = new StagesView(section('trace'), changed)
    this.#device = new DevicePanel(section('computes'), loader, () => [this.#pixels, patches.options], around)
    this.#code = section('code')
  }

  /**
   * Takes a model and offers what it can do.
   * @param {object} info of the model
   * @param {import('../model/link.js').View} view that is asked for
   */
  offer(info, view) {
    this.#embedding.offer(info.tasks)
    this.maps.offer(info)
    this.maps.choose(view)
    this.#device.offer()
  }

  /**
   * Shows the answers about a picture.
   * @param {import('../../js/vitrine.d.ts').Model} model
   * @param {ImageData} pixels
   * @param {{fresh: boolean, asked: object, yields: () => boolean}} question whether the picture is
   *   another one; what was ranked (see Maps.answer); whether a newer question is to be answered first
   */
  async answer(model, pixels, { fresh, asked, yields }) {
    const { tasks } = model.info
    const { options } = this.#patches
    this.#pixels = pixels
    if (fresh) {
      this.#device.forget()
      this.maps.showPicture(pixels)
      if (tasks.includes('embedImage')) await attempt(this.#embedding, async () => this.#embedding.show((await model.embedImage(pixels, options)).embedding))
    }
    if (yields()) return
    await attempt(this.maps, () => this.maps.answer(model, pixels, options, asked))
    if (yields()) return
    if (fresh && tasks.includes('visualTokens')) {
      await attempt(this.#visualTokens, async () => { this.#visualTokens.tokens = await model.visualTokens(pixels, options) })
    }
    await attempt(this.#stages, () => this.#stages.answer(model, pixels, options))
    this.#device.answered()
  }

  /**
   * Writes the view as code.
   * @param {object} view see snippetOf; picture is the address of a sample, or ''
   * @param {string[]} texts what the picture was compared with
   */
  showCode(view, texts) {
    const about = [...new Set([this.maps.subject, ...texts])].filter(Boolean)
    showCode(this.#code, { ...view, about })
  }
}
