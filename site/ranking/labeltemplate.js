import { byId } from './dom.js'

/** How labels are written for the model: one of a few sentences, or the visitor's own. */
export class Template {
  #select = byId('template')
  #own = byId('custom-template')

  /** @param {() => void} changed */
  constructor(changed) {
    this.#select.addEventListener('change', () => {
      this.#own.hidden = this.#select.value !== 'custom'
      changed()
    })
    this.#own.addEventListener('input', () => {
      const fits = this.#own.value.includes('{}')
      this.#own.setCustomValidity(fits ? '' : 'Write {} where the label goes.')
      this.#own.reportValidity()
      if (fits) changed()
    })
  }

  /** @returns {string} a sentence with {} for the label */
  get value() {
    if (this.#select.value !== 'custom') return this.#select.value
    return this.#own.value.includes('{}') ? this.#own.value : '{}'
  }

  /** @param {string} template */
  set value(template) {
    const listed = [...this.#select.options].some((option) => option.value === template)
    this.#select.value = listed ? template : 'custom'
    this.#own.hidden = listed
    if (!listed) this.#own.value = template
  }
}
