import { html, nothing, render } from '../vendor/lit-html/lit-html.js'
import { enableDrawing } from './drawing.js'
import { acceptPictures, openFile, readPixels } from './open.js'
import { Paper } from './paper.js'
import { samples, sampleUrl } from './samples.js'

/** Colours to draw and fill with: those of the drawings that the model learned from. */
const colours = [
  ['#1a1a1a', 'black'], ['#8d9399', 'grey'], ['#ffffff', 'white'],
  ['#8a5530', 'brown'], ['#f4c79b', 'skin'], ['#dd2e2e', 'red'],
  ['#f4900c', 'orange'], ['#ffcc33', 'yellow'], ['#7cc243', 'light green'],
  ['#2f8a3c', 'green'], ['#6cc5f0', 'light blue'], ['#2b6fd6', 'blue'],
  ['#8e5bc9', 'purple'], ['#f48fb1', 'pink'],
]
const tools = [['pen', 'Pen'], ['fill', 'Fill'], ['eraser', 'Eraser']]
const sizes = [[6, 'Fine'], [14, 'Medium'], [34, 'Broad'], [76, 'Very broad']]

/** The paper with its tools and samples: what the model looks at. */
export class Picture {
  /** @type {Paper} */
  paper
  #section
  #announce
  #chosen = { tool: 'pen', colour: colours[0][0], size: sizes[1][0] }
  #best = ''
  #own = true // whether the model is the page's own, which knows some of the samples

  /**
   * @param {HTMLElement} section
   * @param {HTMLElement} curtain covers the page while a file is dragged over it
   * @param {(words: string) => void} announce
   * @param {() => void} changed called after every change of the paper, also within a stroke
   */
  constructor(section, curtain, announce, changed) {
    this.#section = section
    this.#announce = announce
    this.#update()
    this.paper = new Paper(section.querySelector('#paper'), () => {
      this.#update()
      changed()
    })
    enableDrawing(this.paper, section.querySelector('#crosshair'), this.#chosen)
    acceptPictures(curtain, this.#open)
    this.#update()
  }

  /** @returns {string|undefined} the sample on the paper, where nothing is drawn on it */
  get sample() {
    return samples.find((name) => sampleUrl(name) === this.paper?.untouched)
  }

  /**
   * Puts a sample on the paper.
   * @param {string} name one of samples
   */
  openSample = async (name) => {
    const image = this.#section.querySelector(`[data-sample=${name}] img`)
    await image.decode()
    this.paper.open(image, readPixels(image, image.naturalWidth, image.naturalHeight), sampleUrl(name))
  }

  /** @param {string} words the best answer, for screens where the ranking is out of sight */
  showBest(words) {
    this.#best = words
    this.#update()
  }

  /** @param {boolean} own whether the model is the page's own */
  showModel(own) {
    this.#own = own
    this.#update()
  }

  #open = (file) => openFile(this.paper, file, this.#announce)

  #pick = ({ target }) => {
    if (target.files[0]) void this.#open(target.files[0])
    target.value = '' // so that the same file can be opened again
  }

  #update() {
    render(this.#template, this.#section)
  }

  get #template() {
    const { paper, sample } = this
    return html`
      <div class="headline">
        <h2 id="picture-title">The picture</h2>
        <span class="toolrow"><button type="button" class="quiet" id="undo" ?disabled=${!paper?.canUndo} @click=${() => paper.undo()}>Undo</button><button type="button" class="quiet" id="clear" ?disabled=${paper?.blank} @click=${() => paper.clear()}>Clear</button></span>
      </div>
      <div class="stage">
        <canvas id="paper" width="512" height="512" tabindex="0" role="application" aria-label="Drawing paper" aria-describedby="paper-keys"></canvas>
        <div class="crosshair" id="crosshair" hidden></div>
      </div>
      <p class="best-here" id="best" aria-hidden="true">${this.#best || '\u00a0'}</p>
      <p class="whisper" id="paper-keys"><span class="only-pointer">Draw on it, and colour it in: colour helps.</span><span class="only-keys">Arrows move the cross, Shift finely; Space: pen down, up.</span></p>
      <div class="tools">
        <fieldset class="swatches"><legend class="sr">Colour</legend>${this.#radios('colour', colours, (value, name) =>
          html`<span class="swatch" title=${name} .style=${`--swatch: ${value}`}><span class="sr">${name}</span></span>`)}</fieldset>
        <div class="toolrow spread">
          <fieldset class="segments"><legend class="sr">Tool</legend>${this.#radios('tool', tools, (_, name) => html`<span class="face">${name}</span>`)}</fieldset>
          <fieldset class="segments sizes"><legend class="sr">Brush size</legend>${this.#radios('size', sizes, (value, name) =>
            html`<span class="face" title=${name}><span class="sr">${name}</span><span class="dot" aria-hidden="true" .style=${`--dot: ${4 + value / 5}px`}></span></span>`)}</fieldset>
        </div>
      </div>
      <h3 class="eyebrow" id="samples-title">Or take one of these${this.#own ? html`<span>: the first three it knows</span>` : nothing}</h3>
      <ul class="samples" aria-labelledby="samples-title">${samples.map((name) => html`<li><button type="button" class="sample" data-sample=${name}
        aria-pressed=${name === sample} @click=${() => this.openSample(name)}><img src=${sampleUrl(name)} alt="Drawing of a ${name}" width="56" height="56" draggable="false"></button></li>`)}</ul>
      <p class="whisper"><button type="button" class="link" @click=${() => this.#section.querySelector('#file').click()}>Open a picture</button>, drop one anywhere on this page, or paste one.</p>
      <input type="file" id="file" accept="image/*" class="sr" tabindex="-1" aria-label="Open a picture" @change=${this.#pick}>`
  }

  /**
   * Radio buttons that choose a tool, a colour or a size.
   * @param {'tool'|'colour'|'size'} key
   * @param {[value: string|number, name: string][]} options
   * @param {(value: string|number, name: string) => unknown} face what is seen of one
   */
  #radios(key, options, face) {
    return options.map(([value, name]) => html`<label><input type="radio" name=${key} class="sr" ?checked=${value === this.#chosen[key]}
      @change=${() => { this.#chosen[key] = value }}>${face(value, name)}</label>`)
  }
}
