import { html, nothing, render } from '../vendor/lit-html/lit-html.js'
import { repeat } from '../vendor/lit-html/directives/repeat.js'
import { bar, errorLine } from '../parts/templates.js'
import { sayScore } from '../parts/words.js'
import { mostLabels, splitLabels } from './labels.js'
import { mapSquare } from './mapsquare.js'

/** What a score is, by the method that makes it. */
const scoreNotes = {
  softmax: 'The scores add up to 100 %, so one of your words always wins, even when none fits.',
  sigmoid: 'Each word has its own score, from 0 to 100 %: several may fit, or none.',
}

/** The same of a classifier's scores. */
const classNotes = {
  softmax: 'The scores of all classes add up to 100 %.',
  sigmoid: 'Each class has its own score, from 0 to 100 %: several may fit, or none.',
}

/** What the page says of the answer: labels with their scores, classes, or visual tokens. */
export class Ranking {
  #section
  #labels
  #labelTemplate
  #showMap
  #tasks = ['rank', 'relevance'] // labels can be edited before a model is loaded
  /** @type {number[]} ids of the labels, best first */
  #order = []
  /** @type {Map<string, {similarity: number, logit: number, score: number}>} by label */
  #results = new Map()
  /** @type {{label: string, logit: number, score: number}[]} */
  #classes = []
  #method = 'softmax'
  #detailed = false
  #labelsError = ''
  error = ''
  /** @type {import('./mapsquare.js').SmallMaps} */
  #smallMaps = { chosen: null, paint: () => false }
  /** A template that pages/inside.js sets: what a language model reads of the picture. */
  visualTokens = nothing

  /**
   * @param {HTMLElement} section
   * @param {import('./labels.js').Labels} labels
   * @param {import('./labeltemplate.js').LabelTemplate} labelTemplate
   * @param {(label: string) => void} showMap called when the visitor asks for the map of a label or class
   */
  constructor(section, labels, labelTemplate, showMap) {
    this.#section = section
    this.#labels = labels
    this.#labelTemplate = labelTemplate
    this.#showMap = showMap
  }

  /**
   * Takes what another model can do, and forgets what the one before said.
   * @param {readonly string[]} tasks
   */
  offer(tasks) {
    this.#tasks = tasks
    this.#classes = []
    this.visualTokens = nothing
    this.forget()
  }

  /**
   * Shows how well labels fit.
   * @param {{label: string, similarity: number, logit: number, score: number}[]} ranking
   * @param {'softmax'|'sigmoid'} method
   */
  showLabels(ranking, method) {
    this.#results = new Map(ranking.map((each) => [each.label, each]))
    this.#method = method
    this.update()
  }

  /**
   * @param {{label: string, logit: number, score: number}[]} classes best first
   * @param {'softmax'|'sigmoid'} method
   */
  showClasses(classes, method) {
    this.#classes = classes
    this.#method = method
    this.update()
  }

  /** @param {import('./mapsquare.js').SmallMaps} maps beside the labels */
  showSmallMaps(maps) {
    this.#smallMaps = maps
    this.update()
  }

  /** Removes the numbers: they are of another model, or there are none. */
  forget() {
    this.#results.clear()
    this.update()
  }

  /** Shows everything as it is now. Rows that change their order glide to their new positions. */
  update() {
    const before = this.#order
    this.#sort()
    const rows = this.#rows
    const moved = this.#order.some((id, i) => id !== before[i])
    const tops = new Map(moved && !calm() ? rows.map((row) => [row, row.offsetTop]) : [])
    const focused = document.activeElement
    render(this.#template, this.#section)
    if (focused.isConnected && focused !== document.activeElement) focused.focus() // a row that is moved loses the focus
    for (const [row, top] of tops) {
      if (!row.isConnected || row.offsetTop === top) continue
      row.animate([{ transform: `translateY(${top - row.offsetTop}px)` }, { transform: 'none' }],
        { duration: 220, easing: 'cubic-bezier(.2,.7,.2,1)' })
    }
  }

  /** @returns {HTMLElement[]} the rows of labels */
  get #rows() {
    return [...this.#section.querySelectorAll('#ranking-rows tr')]
  }

  /** Orders the labels, best first; but not while the visitor types in one of them. */
  #sort() {
    const { list } = this.#labels
    const typing = document.activeElement?.matches('#ranking-rows input')
    if (typing && this.#order.length === list.length && list.every(({ id }) => this.#order.includes(id))) return
    const score = ({ text }) => this.#results.get(text)?.score ?? -1
    this.#order = list.toSorted((a, b) => score(b) - score(a)).map(({ id }) => id)
  }

  get #template() {
    const can = (task) => this.#tasks.includes(task)
    return html`
      <h2 id="ranking-title">${can('visualTokens') ? 'The visual tokens' : 'The ranking'}</h2>
      <div class=${can('relevance') ? 'answers' : 'answers without-maps'}>
        ${can('rank') ? this.#labelsPart : can('classify') ? this.#classesPart : nothing}
        ${can('visualTokens') ? this.visualTokens : nothing}
        ${['rank', 'classify', 'visualTokens'].some(can) ? nothing : html`<p class="whisper" id="nothing-part">This
          model has neither words nor classes. The page shows what it tells apart, where it looked, and its embedding.</p>`}
        ${errorLine('answer-error', this.error)}
        ${can('rank') ? html`<p class="whisper" id="ranking-note">Click a word to change it. <span id="score-note">${scoreNotes[this.#method]}</span></p>` : nothing}
        <p class="whisper map-note">Press a square to see which patches speak for the word beside it.</p>
      </div>`
  }

  get #labelsPart() {
    const labels = new Map(this.#labels.list.map((label) => [label.id, label]))
    const heads = html`<th scope="col" class="detail">Similarity</th><th scope="col" class="detail">Logit</th><th scope="col" class="number">Score</th><th scope="col" class="last"><span class="sr">Remove</span></th>`
    return html`<div id="labels-part">
      ${this.#table('Labels, best first. A label can be edited in place.', 'Label', heads, html`
        <tbody id="ranking-rows" @focusout=${() => queueMicrotask(() => this.update())}>
          ${repeat(this.#order, (id) => id, (id, i) => this.#labelRow(labels.get(id), i === 0))}</tbody>`)}
      <form class="add" @submit=${this.#submit}>
        <input id="add" type="text" autocomplete="off" spellcheck="false" placeholder="Add words, separated by commas"
          aria-label="Add labels, separated by commas or lines" @paste=${this.#paste}>
        <button type="submit">Add</button>
      </form>
      <div class="toolrow">${this.#labelTemplate.field}${this.#labelTemplate.ownField}
        <span class="grow"></span>
        <label class="check"><input type="checkbox" id="details" @change=${({ target }) => {
          this.#detailed = target.checked
          this.update()
        }}> Numbers</label>
      </div>
      <p class="error" id="labels-error" ?hidden=${!this.#labelsError}>${this.#labelsError}</p>
    </div>`
  }

  get #classesPart() {
    const heads = html`<th scope="col" class="number">Logit</th><th scope="col" class="number">Score</th>`
    return html`<div id="classes-part">
      ${this.#table('Classes, best first', 'Class', heads, html`<tbody id="classes-rows">${this.#classes.map(({ label, logit, score }, i) =>
        this.#row(label, i === 0, score, html`<span class="label">${label}</span>`, html`
          <td class="number">${logit.toFixed(3)}</td><td class="number score">${sayScore(score)}</td>`))}</tbody>`)}
      <p class="whisper">This model has its own list of classes. <span id="class-note">${classNotes[this.#method]}</span></p>
    </div>`
  }

  /**
   * @param {string} caption
   * @param {string} name of the rows
   * @param {unknown} heads of the columns after it
   * @param {unknown} body
   */
  #table(caption, name, heads, body) {
    return html`<table class="ranking ${this.#detailed ? 'detailed' : ''}">
      <caption class="sr">${caption}</caption>
      <thead><tr><th class="map-cell" scope="col"><span class="sr">Map</span></th><th scope="col">${name}</th>${heads}</tr></thead>
      ${body}
    </table>`
  }

  /**
   * @param {string} label
   * @param {boolean} best
   * @param {number} share of the bar
   * @param {unknown} name how the label is shown
   * @param {unknown} cells after it
   */
  #row(label, best, share, name, cells) {
    return html`<tr class=${best ? 'best' : ''}>
      <td class="map-cell">${mapSquare(label, this.#smallMaps, this.#showMap)}</td>
      <th scope="row">${name}${bar(share)}</th>${cells}
    </tr>`
  }

  /**
   * @param {import('./labels.js').Label} label
   * @param {boolean} first
   */
  #labelRow({ id, text }, first) {
    const result = this.#results.get(text)
    return this.#row(text, first && result, result?.score ?? 0, html`<input type="text" class="label" aria-label="Label" autocomplete="off" spellcheck="false"
      .value=${text} @change=${({ target }) => this.#edit(id, target)} @keydown=${(event) => this.#endEdit(event, text)} @paste=${this.#paste}>`, html`
      <td class="detail">${result ? result.similarity.toFixed(4) : '–'}</td>
      <td class="detail">${result ? result.logit.toFixed(3) : '–'}</td>
      <td class="number score">${result ? sayScore(result.score) : '–'}</td>
      <td class="last"><button type="button" class="remove" aria-label="Remove ${text}" @click=${({ target }) => this.#remove(id, target.closest('tr'))}>×</button></td>`)
  }

  /**
   * @param {number} id of the label
   * @param {HTMLInputElement} input
   */
  #edit(id, input) {
    this.#labels.edit(id, input.value)
    input.value = this.#labels.list.find((label) => label.id === id)?.text ?? ''
  }

  /** Enter keeps what was typed, Escape doesn't. */
  #endEdit({ key, target }, text) {
    if (key === 'Escape') target.value = text
    if (key === 'Escape' || key === 'Enter') target.blur()
  }

  /**
   * @param {number} id of the label
   * @param {HTMLElement} row
   */
  #remove(id, row) {
    const next = row.nextElementSibling ?? row.previousElementSibling
    this.#labels.remove(id)
    const target = next?.querySelector('.remove') ?? this.#section.querySelector('#add')
    target.focus()
  }

  #submit = (event) => {
    event.preventDefault()
    const field = event.target.querySelector('#add')
    if (this.#add(field.value)) field.value = ''
  }

  /** A pasted list becomes labels at once; a single word is pasted as text. */
  #paste = (event) => {
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
    this.#labelsError = !texts.length ? 'Write a word first.'
      : this.#labels.list.length >= mostLabels ? `The table holds at most ${mostLabels} labels.`
        : added === 0 ? 'That label is in the list already.' : ''
    this.update()
    return added > 0
  }
}

/** @returns {boolean} Whether the visitor asked for less movement. */
function calm() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches
}
