import { byId } from '../page/dom.js'

/** Lets the patches of the map be read, one at a time, by pointer and by arrow keys. */
export class PatchReader {
  #at = null // index of the patch that is read
  #grid = null
  #read = null

  constructor() {
    const sight = byId('sight')
    sight.addEventListener('pointermove', (event) => {
      if (!this.#grid) return
      const [rows, columns] = this.#grid
      const box = sight.getBoundingClientRect()
      const column = Math.floor((event.clientX - box.left) / box.width * columns)
      const row = Math.floor((event.clientY - box.top) / box.height * rows)
      this.#go(row < 0 || column < 0 || row >= rows || column >= columns ? null : row * columns + column)
    })
    sight.addEventListener('pointerleave', () => this.#go(null))
    sight.addEventListener('blur', () => this.#go(null))
    sight.addEventListener('keydown', (event) => {
      if (!this.#grid) return
      const way = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key]
      if (!way) return
      event.preventDefault()
      const [rows, columns] = this.#grid
      if (this.#at === null) return this.#go(0)
      const row = Math.min(Math.max(Math.floor(this.#at / columns) + way[0], 0), rows - 1)
      const column = Math.min(Math.max(this.#at % columns + way[1], 0), columns - 1)
      this.#go(row * columns + column)
    })
  }

  /**
   * Takes another map.
   * @param {[number, number]|null} grid rows and columns; null: there is no map
   * @param {(patch: number) => string} read says what stands at a patch
   */
  show(grid, read) {
    this.#grid = grid
    this.#read = read
    this.#go(this.#at)
  }

  /** @param {number|null} patch to read */
  #go(patch) {
    const mark = byId('patch-mark')
    const words = byId('patch')
    if (!this.#grid || patch >= this.#grid[0] * this.#grid[1]) patch = null
    this.#at = patch
    mark.hidden = patch === null
    if (patch === null) {
      words.textContent = 'Point at a patch, or use the arrow keys, to read it.'
      return
    }
    const [rows, columns] = this.#grid
    const row = Math.floor(patch / columns)
    const column = patch % columns
    for (const [name, value] of [['--row', row / rows], ['--column', column / columns], ['--rows', 1 / rows], ['--columns', 1 / columns]]) {
      mark.style.setProperty(name, String(value))
    }
    words.textContent = `Row ${row}, column ${column}: ${this.#read(patch)}`
  }
}
