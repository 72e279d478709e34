import { html } from '../vendor/lit-html/lit-html.js'

/** No page waits for more patches than this. */
const most = 4096

/** How many patches a picture may have, for models that take pictures of any shape (NaFlex). */
export class Patches {
  /** @type {[number, number]|null} rows and columns of the picture in view */
  grid = null
  #own = 0 // the model's own number; 0 where its pictures have one size
  #count = 0
  #changed

  /** @param {() => void} changed called when the visitor chooses another number */
  constructor(changed) {
    this.#changed = changed
  }

  /** @returns {number|null} null: the model's own number */
  get chosen() {
    return this.#own && this.#count !== this.#own ? this.#count : null
  }

  /** @returns {{maxPatches?: number}} for every call with a picture */
  get options() {
    return this.chosen === null ? {} : { maxPatches: this.chosen }
  }

  /**
   * Takes a model.
   * @param {object} info of the model
   * @param {number} [wanted] by a link
   */
  offer({ shapes }, wanted) {
    this.#own = shapes.maxPatches
    this.#count = this.#own && wanted ? Math.min(wanted, most) : this.#own
    this.grid = null
  }

  /** The field, and the grid that the picture was cut into. */
  get field() {
    const [rows, columns] = this.grid ?? []
    return html`<div class="toolrow pickers" id="patches-part" ?hidden=${!this.#own}>
      <label class="field">At most <input type="number" id="patches" min="1" max=${most} step="1" required .value=${String(this.#count)} @change=${this.#edit}> patches</label>
      <span class="whisper" id="patches-grid">${this.grid ? `${rows} rows × ${columns} columns = ${rows * columns} patches` : ''}</span>
    </div>`
  }

  #edit = ({ target }) => {
    if (!target.reportValidity()) return
    this.#count = target.valueAsNumber
    this.#changed()
  }
}
