import { html } from '../vendor/lit-html/lit-html.js'
import { choices, selectField } from '../parts/templates.js'

/** The sentences that are offered; custom is the visitor's own. */
const offered = [['{}', '{}'], ['a drawing of a {}', 'a drawing of a {}'], ['custom', 'my own']]

/** How labels are written for the model: one of a few sentences, or the visitor's own. */
export class LabelTemplate {
  #selected = '{}'
  #own = 'a picture of a {}'
  #changed

  /** @param {() => void} changed called after every change by the visitor */
  constructor(changed) {
    this.#changed = changed
  }

  /** @returns {string} a sentence with {} for the label */
  get value() {
    return this.#selected === 'custom' ? this.#own : this.#selected
  }

  /** @param {string} sentence with {} for the label */
  set value(sentence) {
    const listed = offered.some(([value]) => value === sentence)
    this.#selected = listed ? sentence : 'custom'
    if (!listed) this.#own = sentence
  }

  /** The select. */
  get field() {
    return selectField('Written as', 'template', choices(offered, this.#selected), { change: (value) => {
      this.#selected = value
      this.#changed()
    } })
  }

  /** The field of the visitor's own sentence. */
  get ownField() {
    return html`<input id="custom-template" class="custom" type="text" aria-label="Your own template, with {} for the label"
      autocomplete="off" spellcheck="false" ?hidden=${this.#selected !== 'custom'} .value=${this.#own} @input=${this.#edit}>`
  }

  #edit = ({ target }) => {
    const fits = target.value.includes('{}')
    target.setCustomValidity(fits ? '' : 'Write {} where the label goes.')
    target.reportValidity()
    if (!fits) return // the last sentence that fits stays
    this.#own = target.value
    this.#changed()
  }
}
