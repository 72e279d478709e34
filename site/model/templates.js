// What the page shows of the model: its placard, the form that loads another one, and
// what it is good for.

import { html, noChange, nothing } from '../vendor/lit-html/lit-html.js'
import { sayCount } from '../parts/words.js'
import { hubName, ownModel } from './link.js'
import { shortName } from './loader.js'

/**
 * @param {import('./loader.js').ModelLoader} loader
 * @param {string} status in words, which screen readers say
 */
export const placard = ({ model, name, busy, progress }, status) => html`
  <p class="placard-name" id="model-name">${model ? shortName(name) : 'emoji-clip'}</p>
  ${placardLines(model).map((line) => html`<p class="placard-what">${line}</p>`)}
  <p class="placard-status"><span id="status" role="status">${status}</span></p>
  <progress class=${busy ? 'busy' : ''} max="1" value=${progress ?? nothing} aria-label="Loading"></progress>`

/**
 * @param {import('../../js/vitrine.d.ts').Model|null} model
 * @returns {[string, string]}
 */
function placardLines(model) {
  if (!model) return ['A very small CLIP, trained on drawings', '64 × 64 pixels, 1.78 million parameters']
  const { architecture, parameters, shapes } = model.info
  const size = shapes.image[0] ? `${shapes.image[1]} × ${shapes.image[0]} pixels` : `up to ${shapes.maxPatches} patches`
  return [`${architecture}, ${shapes.layers} layers of ${shapes.heads} heads`, `${size}, ${sayCount(parameters)} parameters`]
}

/** Models that are offered: what load takes, and what it is. */
const known = [
  [ownModel, 'emoji-clip, 3.6 MB, comes with this page'],
  ['wkcn/TinyCLIP-ViT-8M-16-Text-3M-YFCC15M', 'TinyCLIP, labels for photos, 96 MB'],
  ['wkcn/TinyCLIP-ViT-40M-32-Text-19M-LAION400M', 'TinyCLIP, better labels for photos, 339 MB'],
  ['WinKawaks/vit-tiny-patch16-224', 'ViT-Tiny/16, 1,000 classes of ImageNet, 23 MB'],
  ['google/vit-base-patch16-224', 'ViT-B/16, 1,000 classes of ImageNet, 346 MB'],
  ['facebook/dinov2-small', 'DINOv2-S/14, features and colours, 88 MB'],
]

/** @param {import('./loader.js').ModelLoader} loader */
export const modelForm = (loader) => html`
  <form @submit=${(event) => {
    event.preventDefault()
    const name = event.target.querySelector('#model-input').value.trim()
    loader.suggest('')
    if (name) void loader.load(name)
    else loader.fail('Write the address of a folder or a hub name first.')
  }}>
    <label for="model-input" class="sr">Folder address or hub name</label>
    <div class="add">
      <input id="model-input" type="text" list="model-list" autocomplete="off" spellcheck="false" autocapitalize="none" placeholder="wkcn/TinyCLIP-ViT-8M-16-Text-3M-YFCC15M" .value=${loader.suggestion || noChange}>
      <button type="submit" id="model-load" ?hidden=${loader.busy}>Load</button>
      <button type="button" id="model-abort" ?hidden=${!loader.busy} @click=${() => loader.stop()}>Stop</button>
    </div>
    <datalist id="model-list">${known.map(([value, text]) => html`<option value=${value}>${text}</option>`)}</datalist>
  </form>
  <div class="loading">
    <p class="whisper">${loader.suggestion ? `The link you followed asks for ${loader.suggestion}, from another host. Press Load to fetch it.` : ''}</p>
    <p class="whisper" id="loading-words">${loader.words}</p>
    ${(loader.model?.info.warnings ?? []).map((warning) => html`<p class="whisper warning">${warning}</p>`)}
    <p class="error" id="model-error" role="alert">${loader.error}</p>
  </div>`

/** @param {string} name of a loaded model that is not the page's own */
export const otherCard = (name) => {
  const address = hubName.test(name) ? `https://huggingface.co/${name}` : `${new URL(name, document.baseURI).href.replace(/\/$/, '')}/README.md`
  return html`<p>This model comes from elsewhere. What it is good for is said on <a href=${address}>its own card</a>.</p>`
}
