/** The words to begin with: easy to draw, and what the sample drawings show. */
export const firstLabels = ['cat', 'house', 'sailboat', 'mushroom', 'fish', 'tree', 'sun', 'heart', 'car', 'key']

/** More than this many labels no screen shows. */
export const mostLabels = 200

/**
 * Reads labels as people write or paste them: separated by commas, semicolons or lines.
 * @param {string} text
 * @returns {string[]} without blanks around, without empty ones
 */
export function splitLabels(text) {
  return text.split(/[,;\n\r\t]+/).map((label) => label.trim()).filter(Boolean)
}

/**
 * The labels, each with a number that stays while it is edited.
 * @typedef {{id: number, text: string}} Label
 */
export class Labels {
  /** @type {Label[]} */
  list = []
  #next = 0
  #changed

  /** @param {() => void} changed called after every change */
  constructor(changed) { this.#changed = changed }

  /** @returns {string[]} */
  get texts() { return this.list.map((label) => label.text) }

  /**
   * Replaces all labels.
   * @param {string[]} texts
   */
  set(texts) {
    this.list = []
    this.#push(texts)
    this.#changed()
  }

  /**
   * Adds labels at the end; those that are there already are left out.
   * @param {string[]} texts
   * @returns {number} how many were added
   */
  add(texts) {
    const added = this.#push(texts)
    if (added) this.#changed()
    return added
  }

  /**
   * Writes another text for a label, or several: the others follow it. An empty
   * text removes it.
   * @param {number} id
   * @param {string} text
   */
  edit(id, text) {
    const at = this.list.findIndex((label) => label.id === id)
    const [first, ...more] = splitLabels(text)
    if (!first || this.#has(first, id)) this.list.splice(at, 1)
    else this.list[at].text = first
    this.#push(more)
    this.#changed()
  }

  /** @param {number} id */
  remove(id) {
    this.list = this.list.filter((label) => label.id !== id)
    this.#changed()
  }

  /**
   * @param {string[]} texts
   * @returns {number} how many were new, and within the bound
   */
  #push(texts) {
    const before = this.list.length
    for (const text of texts) {
      if (this.list.length < mostLabels && !this.#has(text)) this.list.push({ id: this.#next++, text })
    }
    return this.list.length - before
  }

  /**
   * @param {string} text
   * @param {number} [except] the label that may have it
   * @returns {boolean}
   */
  #has(text, except) {
    return this.list.some((label) => label.id !== except && label.text.toLowerCase() === text.toLowerCase())
  }
}
