// Small templates that several parts of the page share.

import { html, nothing } from '../vendor/lit-html/lit-html.js'
import { live } from '../vendor/lit-html/directives/live.js'

/**
 * A bar behind the text of a table cell.
 * @param {number} share 0 to 1
 */
export const bar = (share) => html`<span class="bar" aria-hidden="true" .style=${`--share: ${share}`}></span>`

/**
 * A line that says what failed.
 * @param {string} id
 * @param {string} words '' where nothing did
 */
export const errorLine = (id, words) => html`<p class="error" id=${id} role="alert" ?hidden=${!words}>${words}</p>`

/**
 * A list of names and values.
 * @param {[name: string, value: string, key?: string][]} facts key: for data-fact
 */
export const factList = (facts) => html`<dl class="facts">${facts.map(([name, value, key]) =>
  html`<div><dt>${name}</dt><dd data-fact=${key ?? nothing}>${value}</dd></div>`)}</dl>`

/**
 * The options of a select.
 * @param {[value: string, text: string, hidden?: boolean][]} options
 * @param {string} chosen the value of the one that is selected
 */
export const choices = (options, chosen) => options.map(([value, text, hidden = false]) =>
  html`<option value=${value} ?hidden=${hidden} .selected=${live(value === chosen)}>${text}</option>`)

/**
 * A select with its name before it.
 * @param {string} label
 * @param {string} id
 * @param {unknown} options templates of its options
 * @param {{change: (value: string) => void, hidden?: boolean, disabled?: boolean}} rest
 */
export const selectField = (label, id, options, { change, hidden = false, disabled = false }) => html`
  <label class="field" ?hidden=${hidden}>${label}
    <select id=${id} ?disabled=${disabled} @change=${(event) => change(event.target.value)}>${options}</select></label>`
