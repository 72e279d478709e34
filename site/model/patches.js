import { byId } from './dom.js'

/** More patches than this no page waits for. */
const most = 4096

/** How many patches a picture may have, for models that take pictures of any shape (NaFlex). */
export class Patches {
  #input = byId('patches')
  #own = 0 // the model's own number; 0 where its pictures have one size

  /** @param {() => void} changed */
  constructor(changed) {
    this.#input.addEventListener('change', () => {
      if (this.#input.reportValidity()) changed()
    })
  }

  /** @returns {number|null} null: the model's own number */
  get chosen() {
    const count = this.#input.valueAsNumber
    return this.#own && this.#input.validity.valid && count !== this.#own ? count : null
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
    byId('patches-part').hidden = !this.#own
    Object.assign(this.#input, { max: most, value: this.#own && wanted ? Math.min(wanted, most) : this.#own })
  }

  /**
   * Says how the picture was cut.
   * @param {[number, number]} grid rows and columns
   */
  show([rows, columns]) {
    byId('patches-grid').textContent = `${rows} rows × ${columns} columns = ${rows * columns} patches`
  }
}
