import { byId, calm, make } from './dom.js'
import { mostLabels, splitLabels } from './labels.js'
import { mapButton, nameMapButton } from './mapbutton.js'

/**
 * @param {number} score 0 to 1
 * @returns {string} as a percentage: 88.9 %
 */
export function sayScore(score) {
  const percent = score * 100
  return percent > 0 && percent < 0.1 ? '< 0.1 %' : `${percent.toFixed(1)} %`
}

/**
 * Moves rows to where they now belong, gliding from where they were.
 * @param {HTMLElement} body
 * @param {HTMLElement[]} rows in their new order
 */
function arrange(body, rows) {
  if (rows.every((row, i) => body.children[i] === row)) return
  const before = new Map(rows.map((row) => [row, row.isConnected ? row.offsetTop : null]))
  body.append(...rows)
  if (calm()) return
  for (const row of rows) {
    const from = before.get(row)
    if (from === null || from === row.offsetTop) continue
    row.animate([{ transform: `translateY(${from - row.offsetTop}px)` }, { transform: 'none' }],
      { duration: 220, easing: 'cubic-bezier(.2,.7,.2,1)' })
  }
}

/** The table of labels: each row is a label to edit and how well it fits. */
export class RankingTable {
  #labels
  #rows = new Map() // id of the label → its row and cells
  #body = byId('ranking-rows')
  /** @type {Map<string, {similarity: number, logit: number, score: number}>} by text */
  #results = new Map()
  #showMap

  /**
   * @param {import('./labels.js').Labels} labels
   * @param {(label: string) => void} showMap called when the visitor asks for a label's map
   */
  constructor(labels, showMap) {
    this.#labels = labels
    this.#showMap = showMap
    this.#body.addEventListener('focusout', () => queueMicrotask(() => this.#sort()))
    const details = byId('details')
    details.addEventListener('change', () => byId('ranking-table').classList.toggle('detailed', details.checked))
    this.#acceptNewLabels()
  }

  /** Follows the labels: rows for new ones, none for those that are gone. */
  followLabels() {
    const wanted = new Set(this.#labels.list.map((label) => label.id))
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue
      row.element.remove()
      this.#rows.delete(id)
    }
    for (const label of this.#labels.list) {
      if (!this.#rows.has(label.id)) this.#rows.set(label.id, this.#makeRow(label))
      const row = this.#rows.get(label.id)
      if (row.input !== document.activeElement) row.input.value = label.text
    }
    this.#fill()
    this.#sort()
  }

  /**
   * Shows a result.
   * @param {{label: string, similarity: number, logit: number, score: number}[]} ranking
   */
  show(ranking) {
    this.#results = new Map(ranking.map((each) => [each.label, each]))
    this.#fill()
    this.#sort()
  }

  /** Takes the numbers away, where they are of another model or there are none. */
  forget() {
    this.#results.clear()
    this.#fill()
  }

  /**
   * @param {import('./labels.js').Label} label
   * @returns {{element: HTMLElement, input: HTMLInputElement, map: HTMLButtonElement,
   *   remove: HTMLElement, bar: HTMLElement, cells: Record<string, HTMLElement>}}
   */
  #makeRow({ id, text }) {
    const input = make('input', { type: 'text', value: text, 'aria-label': 'Label', class: 'label', autocomplete: 'off', spellcheck: 'false' })
    const remove = make('button', { type: 'button', class: 'remove', 'aria-label': `Remove ${text}` }, '×')
    const cells = {
      similarity: make('td', { class: 'detail' }),
      logit: make('td', { class: 'detail' }),
      score: make('td', { class: 'number score' }),
    }
    const bar = make('span', { class: 'bar', 'aria-hidden': 'true' })
    const map = mapButton(text, this.#showMap)
    const element = make('tr', {}, make('td', { class: 'map-cell' }, map), make('th', { scope: 'row' }, input, bar), cells.similarity, cells.logit, cells.score, make('td', { class: 'last' }, remove))
    input.addEventListener('change', () => this.#labels.edit(id, input.value))
    input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') input.blur()
      if (event.key === 'Escape') {
        input.value = this.#labels.list.find((label) => label.id === id).text
        input.blur()
      }
    })
    input.addEventListener('paste', (event) => this.#pasteList(event))
    remove.addEventListener('click', () => {
      const next = element.nextElementSibling ?? element.previousElementSibling
      this.#labels.remove(id)
      ;(next?.querySelector('.remove') ?? byId('add')).focus()
    })
    return { element, input, map, remove, bar, cells }
  }

  /** Writes the numbers into the rows. */
  #fill() {
    for (const label of this.#labels.list) {
      const { element, map, remove, bar, cells } = this.#rows.get(label.id) ?? {}
      if (!element) continue
      const result = this.#results.get(label.text)
      cells.similarity.textContent = result ? result.similarity.toFixed(4) : '–'
      cells.logit.textContent = result ? result.logit.toFixed(3) : '–'
      cells.score.textContent = result ? sayScore(result.score) : '–'
      bar.style.setProperty('--share', String(result?.score ?? 0))
      remove.setAttribute('aria-label', `Remove ${label.text}`)
      nameMapButton(map, label.text)
    }
  }

  /** Puts the best first, but not under the hands of someone who types. */
  #sort() {
    const held = document.activeElement
    if (this.#body.contains(held) && held.matches('input') && this.#body.children.length === this.#rows.size) return
    const score = (label) => this.#results.get(label.text)?.score ?? -1
    const sorted = [...this.#labels.list].sort((a, b) => score(b) - score(a))
    arrange(this.#body, sorted.map((label) => this.#rows.get(label.id).element))
    if (held.isConnected && held !== document.activeElement) held.focus() // a row that is moved loses it
    for (const [i, label] of sorted.entries()) {
      this.#rows.get(label.id).element.classList.toggle('best', i === 0 && score(label) >= 0)
    }
  }

  /** Lets labels be added by the field below the table. */
  #acceptNewLabels() {
    const field = byId('add')
    byId('add-form').addEventListener('submit', (event) => {
      event.preventDefault()
      if (this.#add(field.value)) field.value = ''
    })
    field.addEventListener('paste', (event) => this.#pasteList(event))
  }

  /**
   * A pasted list becomes labels at once; a single word is pasted as text.
   * @param {ClipboardEvent} event
   */
  #pasteList(event) {
    const text = event.clipboardData.getData('text/plain')
    if (splitLabels(text).length < 2) return
    event.preventDefault()
    this.#add(text)
  }

  /**
   * @param {string} text
   * @returns {boolean} Whether a label was added; if not, the page says why.
   */
  #add(text) {
    const texts = splitLabels(text)
    const added = this.#labels.add(texts)
    const error = byId('labels-error')
    error.textContent = !texts.length ? 'Write a word first.'
      : this.#labels.list.length >= mostLabels ? `${mostLabels} labels are the most this table holds.`
        : added === 0 ? 'That is in the list already.' : ''
    error.hidden = !error.textContent
    return added > 0
  }
}

/**
 * Shows the classes of a model that has its own.
 * @param {{label: string, logit: number, score: number}[]} classes
 * @param {(label: string) => void} showMap called when the visitor asks for a class's map
 */
export function showClasses(classes, showMap) {
  byId('classes-rows').replaceChildren(...classes.map(({ label, logit, score }, i) => {
    const bar = make('span', { class: 'bar', 'aria-hidden': 'true' })
    bar.style.setProperty('--share', String(score))
    return make('tr', { class: i === 0 ? 'best' : '' },
      make('td', { class: 'map-cell' }, mapButton(label, showMap)),
      make('th', { scope: 'row' }, make('span', { class: 'label' }, label), bar),
      make('td', { class: 'number' }, logit.toFixed(3)),
      make('td', { class: 'number score' }, sayScore(score)))
  }))
}
