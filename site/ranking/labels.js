/** The first labels: easy to draw, or shown by the sample drawings. */
export const firstLabels = ['cat', 'house', 'sailboat', 'mushroom', 'fish', 'tree', 'sun', 'heart', 'car', 'key']

/** No screen shows more labels than this. */
export const mostLabels = 200

/**
 * Reads labels as people write or paste them: separated by commas, semicolons or lines.
 * @param {string} text
 * @returns {string[]} trimmed, without empty ones
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
   * Adds labels at the end, except those that are in the list already.
   * @param {string[]} texts
   * @returns {number} how many were added
   */
  add(texts) {
    const added = this.#push(texts)
    if (added) this.#changed()
    return added
  }

  /**
   * Changes the text of a label. Where the text is a list, its first label replaces the old
   * one and the others are added at the end. An empty text removes the label.
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
   * @returns {number} how many were added
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
   * @param {number} [except] id of a label that is not compared
   * @returns {boolean}
   */
  #has(text, except) {
    return this.list.some((label) => label.id !== except && label.text.toLowerCase() === text.toLowerCase())
  }
}
