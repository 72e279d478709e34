import { AttentionView } from './attention.js'
import { byId, copy } from './dom.js'
import { enableDrawing } from './draw.js'
import { EmbeddingView } from './embedding.js'
import { firstLabels, Labels } from './labels.js'
import { latest } from './latest.js'
import { ownModel, readLink, writeLink } from './link.js'
import { isElsewhere, ModelLoader, sayError, shortName } from './model.js'
import { Paper } from './paper.js'
import { acceptPictures, sampleUrl, samples, showSamples } from './picture.js'
import { RankingTable, sayScore, showClasses } from './ranking.js'
import { showRequests, startCounting, stopCounting, watchRequests } from './requests.js'
import { snippetOf } from './snippet.js'
import { Template } from './template.js'
import { enableThemes } from './themes.js'

/** A picture that takes longer than this is not seen in full while the pen moves, in ms. */
const live = 150

/** How long the picture rests before the best label is said aloud, in ms. */
const rest = 1200

/** What has changed since the model last answered. */
const changed = { picture: true, labels: true, map: true }
let lastTook = 0
let restTimer

const status = byId('status')
/** @param {string} words said to all, and aloud by screen readers */
const announce = (words) => { if (status.textContent !== words) status.textContent = words }

const paper = new Paper(byId('paper'), () => onChange('picture'))
const labels = new Labels(() => onChange('labels'))
const ranking = new RankingTable(labels)
const template = new Template(() => onChange('labels'))
const attention = new AttentionView(() => onChange('map'))
const embedding = new EmbeddingView()
const loader = new ModelLoader({ announce, begun: stopCounting, loaded: onLoaded, ended: startCounting })

/**
 * Takes note of a change and sees to it that the model answers it.
 * @param {'picture'|'labels'|'map'} what
 */
function onChange(what) {
  changed[what] = true
  if (what === 'labels') ranking.followLabels()
  byId('undo').disabled = !paper.canUndo
  byId('clear').disabled = paper.blank
  for (const button of document.querySelectorAll('[data-sample]')) {
    button.setAttribute('aria-pressed', String(sampleUrl(button.dataset.sample) === paper.untouched))
  }
  showView()
  answer()
}

/** Asks the model whatever has changed; the last state always gets its answer. */
const answer = latest(async (stale) => {
  const { model } = loader
  if (!model) return
  const { tasks } = model.info
  const todo = { ...changed }
  Object.assign(changed, { picture: false, labels: false, map: false })
  const start = performance.now()
  const pixels = paper.pixels()
  // Puts back what is left when something newer has come and the model is slow.
  const yields = (left) => {
    if (!stale() || lastTook < live) return false
    for (const key of left) changed[key] ||= todo[key]
    return true
  }
  try {
    if (todo.picture) attention.showPicture(pixels, model.info)
    if (todo.picture || todo.labels) await name(model, pixels)
    if (yields(['picture', 'map'])) return
    if (todo.picture && tasks.includes('embedImage')) embedding.show((await model.embedImage(pixels)).embedding)
    if (yields(['picture', 'map'])) return
    if (tasks.includes('attention') && (todo.picture || todo.map)) {
      const stack = todo.picture ? await model.attentionStack(pixels) : null
      const { method, layer } = attention.chosen
      const rollout = method === 'rollout' ? (await model.attention(pixels, { method, layer })).data : null
      attention.showMaps(stack, rollout)
    }
    if (todo.picture) lastTook = performance.now() - start
    byId('answer-error').hidden = true
  } catch (error) {
    if (loader.model !== model) return // it was closed in the middle: the next answers
    const words = byId('answer-error')
    words.textContent = sayError(error)
    words.hidden = false
  }
})

/**
 * Ranks the labels, or names the classes.
 * @param {import('../../js/vitrine.d.ts').Model} model
 * @param {ImageData} pixels
 */
async function name(model, pixels) {
  const { tasks } = model.info
  let best
  if (tasks.includes('rank')) {
    if (!labels.list.length) return ranking.forget()
    const options = template.value === '{}' ? {} : { template: template.value }
    const result = await model.rank(pixels, labels.texts, options)
    ranking.show(result.ranking)
    best = result.ranking[0]
  } else if (tasks.includes('classify')) {
    const { classes } = await model.classify(pixels, { topK: Math.min(10, model.info.classes) })
    showClasses(classes)
    best = classes[0]
  }
  clearTimeout(restTimer)
  byId('best').textContent = best ? `${best.label}, ${sayScore(best.score)}` : '\u00a0'
  if (best) restTimer = setTimeout(() => announce(`${best.label}, ${sayScore(best.score)}`), rest)
}

/**
 * Makes the page offer what the model can do.
 * @param {number} seconds that loading took
 */
function onLoaded(seconds) {
  const { info } = loader.model
  const can = (task) => info.tasks.includes(task)
  byId('labels-part').hidden = byId('ranking-note').hidden = !can('rank')
  byId('classes-part').hidden = can('rank') || !can('classify')
  byId('nothing-part').hidden = can('rank') || can('classify')
  byId('attention-part').hidden = !can('attention')
  byId('no-attention').hidden = can('attention')
  attention.offer(info.shapes)
  attention.choose(readLink(location.hash))
  ranking.forget()
  embedding.show(null)
  showRequests(info, seconds)
  announce(`${shortName(loader.name)} is ready`)
  Object.assign(changed, { picture: true, labels: true, map: true })
  showView()
  answer()
}

/** Writes what is chosen into the address and into the code. */
function showView() {
  if (!loader.model) return
  const { info } = loader.model
  const { untouched } = paper
  const sample = samples.find((each) => sampleUrl(each) === untouched)
  const view = { model: loader.name, labels: labels.texts, template: template.value, ...attention.chosen, sample }
  const hash = writeLink({ ...view, layers: info.shapes.layers })
  if (hash !== location.hash.slice(1)) history.replaceState(null, '', hash ? `#${hash}` : location.pathname + location.search)
  byId('snippet').textContent = snippetOf({ ...view, tasks: info.tasks, picture: sample ? untouched : '' }, document.baseURI)
}

/** Shows the view that the address asks for. */
function followLink() {
  const view = readLink(location.hash)
  labels.set(view.labels ?? firstLabels)
  template.value = view.template ?? '{}'
  openSample(view.sample ?? samples[0])
  const model = view.model ?? ownModel
  if (model === loader.name) attention.choose({ method: 'raw', layer: loader.model.info.shapes.layers - 1, head: null, ...view })
  else if (model !== ownModel && isElsewhere(model)) {
    loader.suggest(model)
    if (!loader.model) loader.load(ownModel)
  } else loader.load(model)
}

enableThemes(() => embedding.draw())
enableDrawing(paper)
acceptPictures(paper, announce)
const openSample = showSamples(paper)
watchRequests()
byId('copy-code').addEventListener('click', () => copy(byId('copy-code'), byId('snippet').textContent, byId('snippet')))
byId('copy-link').addEventListener('click', () => copy(byId('copy-link'), location.href))
addEventListener('hashchange', followLink)
followLink()
