import { arrows, within } from '../parts/keys.js'

/** Lets the patches of the map be read, one at a time, by pointer and by arrow keys. */
export class PatchReader {
  /** @type {number|null} index of the patch that is read */
  #patch = null
  #grid = null
  #read = null
  #mark
  #words

  /**
   * @param {HTMLElement} view the map over the picture
   * @param {HTMLElement} mark outlines the patch that is read
   * @param {HTMLElement} words says its values
   */
  constructor(view, mark, words) {
    this.#mark = mark
    this.#words = words
    view.addEventListener('pointermove', (event) => {
      if (!this.#grid) return
      const [rows, columns] = this.#grid
      const box = view.getBoundingClientRect()
      const column = Math.floor((event.clientX - box.left) / box.width * columns)
      const row = Math.floor((event.clientY - box.top) / box.height * rows)
      this.#go(row < 0 || column < 0 || row >= rows || column >= columns ? null : row * columns + column)
    })
    view.addEventListener('pointerleave', () => this.#go(null))
    view.addEventListener('blur', () => this.#go(null))
    view.addEventListener('keydown', (event) => {
      const step = arrows[event.key]
      if (!this.#grid || !step) return
      event.preventDefault()
      const [rows, columns] = this.#grid
      if (this.#patch === null) return this.#go(0)
      const row = within(Math.floor(this.#patch / columns) + step[1], rows - 1)
      const column = within(this.#patch % columns + step[0], columns - 1)
      this.#go(row * columns + column)
    })
  }

  /**
   * Takes another map.
   * @param {[number, number]|null} grid rows and columns; null: there is no map
   * @param {(patch: number) => string} [read] says the values of a patch
   */
  show(grid, read) {
    this.#grid = grid
    this.#read = read
    this.#go(this.#patch)
  }

  /** @param {number|null} patch to read */
  #go(patch) {
    if (!this.#grid || patch >= this.#grid[0] * this.#grid[1]) patch = null
    this.#patch = patch
    this.#mark.hidden = patch === null
    if (patch === null) {
      this.#words.textContent = 'Point at a patch, or use the arrow keys, to read it.'
      return
    }
    const [rows, columns] = this.#grid
    const row = Math.floor(patch / columns)
    const column = patch % columns
    for (const [name, value] of [['--row', row / rows], ['--column', column / columns], ['--rows', 1 / rows], ['--columns', 1 / columns]]) {
      this.#mark.style.setProperty(name, String(value))
    }
    this.#words.textContent = `Row ${row}, column ${column}: ${this.#read(patch)}`
  }
}
