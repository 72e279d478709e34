import { attempt } from './attempt.js'
import { byId, copy } from './dom.js'
import { enableDrawing } from './draw.js'
import { firstLabels, Labels } from './labels.js'
import { latest } from './latest.js'
import { loadOptions, ownModel, readLink, writeLink } from './link.js'
import { isElsewhere, ModelLoader, shortName } from './model.js'
import { Paper } from './paper.js'
import { Patches } from './patches.js'
import { acceptPictures, sampleUrl, samples, showSamples } from './picture.js'
import { RankingTable, sayScore, showClasses } from './ranking.js'
import { showRequests, startCounting, stopCounting, watchRequests } from './requests.js'
import { Template } from './template.js'
import { enableThemes } from './themes.js'

/** A picture that takes longer than this is not seen in full while the pen moves, in ms. */
const live = 150

/** How long the picture rests before the best label is said aloud, in ms. */
const rest = 1200

/** What a score is, by the method that makes it. */
const scoreNotes = {
  softmax: 'The scores share one whole among your words, so one always wins, also when none fits.',
  sigmoid: 'Each word has its own score, from 0 to 100 %: several may fit, or none.',
}

/** How many classes are shown. */
const shownClasses = 10

/** What has changed since the model last answered. */
const changed = { picture: true, labels: true, map: true }
/** What the picture was last compared with: labels or names of classes, how they are written, the best one. */
let asked = { texts: [], options: {}, best: '' }
/** @type {import('../later/views.js')|null} its module, once it has come */
let later = null
/** @type {import('../later/views.js').Views|null} */
let views = null
let lastTook = 0
let restTimer

const status = byId('status')
/** @param {string} words said to all, and aloud by screen readers */
const announce = (words) => { if (status.textContent !== words) status.textContent = words }

const paper = new Paper(byId('paper'), () => onChange('picture'))
const labels = new Labels(() => onChange('labels'))
const showMap = (label) => views?.maps.toggle(label)
const ranking = new RankingTable(labels, showMap)
const template = new Template(() => onChange('labels'))
const patches = new Patches(() => onChange('picture'))
const loader = new ModelLoader({ announce, begun: stopCounting, loaded: onLoaded, ended: () => { if (views) startCounting() } })

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
  const todo = { ...changed }
  Object.assign(changed, { picture: false, labels: false, map: false })
  const start = performance.now()
  const pixels = paper.pixels()
  // Puts back what is left when something newer has come and the model is slow.
  const yields = () => {
    if (!stale() || lastTook < live) return false
    for (const key of ['picture', 'map']) changed[key] ||= todo[key]
    return true
  }
  if (todo.picture || todo.labels) await attempt('answer-error', () => name(model, pixels))
  if (yields()) return
  await attempt('map-error', showMore)
  if (!views || loader.model !== model) return
  await views.answer(model, pixels, { fresh: todo.picture, asked, yields })
  showCode()
  if (todo.picture) lastTook = performance.now() - start
})

/** Fetches what the first ranking does not need. */
async function showMore() {
  if (views) return
  later = await import('../later/views.js')
  views = new later.Views({ loader, patches, changed: () => onChange('map'), around: { begun: stopCounting, ended: startCounting } })
  views.offer(loader.model.info, readLink(location.hash))
  startCounting()
}

/**
 * Ranks the labels, or names the classes.
 * @param {import('../../js/vitrine.d.ts').Model} model
 * @param {ImageData} pixels
 */
async function name(model, pixels) {
  const { tasks } = model.info
  let best
  asked = { texts: [], options: {}, best: '' }
  if (tasks.includes('rank')) {
    if (!labels.list.length) return ranking.forget()
    const options = template.value === '{}' ? {} : { template: template.value }
    const { texts } = labels
    asked = { texts, options, best: '' }
    const result = await model.rank(pixels, texts, { ...patches.options, ...options })
    ranking.show(result.ranking)
    best = result.ranking[0]
    asked = { ...asked, best: best.label }
    byId('score-note').textContent = scoreNotes[result.method]
  } else if (tasks.includes('classify')) {
    const { classes } = await model.classify(pixels, { ...patches.options, topK: Math.min(shownClasses, model.info.classes) })
    showClasses(classes, showMap)
    best = classes[0]
    asked = { texts: classes.map(({ label }) => label), options: {}, best: best.label }
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
  const view = readLink(location.hash)
  const can = (task) => info.tasks.includes(task)
  byId('labels-part').hidden = byId('ranking-note').hidden = !can('rank')
  byId('classes-part').hidden = can('rank') || !can('classify')
  byId('ranking-title').textContent = can('visualTokens') ? 'The slots' : 'The ranking'
  byId('nothing-part').hidden = can('rank') || can('classify') || can('visualTokens')
  byId('ranking').classList.toggle('without-maps', !can('relevance'))
  ranking.forget()
  patches.offer(info, view.patches)
  views?.offer(info, view)
  showRequests(info, seconds)
  announce(`${shortName(loader.name)} is ready`)
  Object.assign(changed, { picture: true, labels: true, map: true })
  showView()
  answer()
}

/** What is chosen, for the address and for the code. */
function chosenView() {
  const sample = samples.find((each) => sampleUrl(each) === paper.untouched)
  return { model: loader.name, ...loader.options, labels: labels.texts, template: template.value, ...views.maps.chosen, patches: patches.chosen, sample }
}

/** Writes what is chosen into the address and into the code. */
function showView() {
  if (!loader.model || !views) return // what the address asks for is still to be read
  const { info } = loader.model
  const hash = writeLink({ ...chosenView(), usual: later.usualMap(info), layers: info.shapes.layers })
  if (hash !== location.hash.slice(1)) history.replaceState(null, '', hash ? `#${hash}` : location.pathname + location.search)
  showCode()
}

/** Writes what is chosen as code. */
function showCode() {
  const view = chosenView()
  const { subject } = views.maps
  byId('snippet').textContent = later.snippetOf({
    ...view, options: loader.options, tasks: loader.model.info.tasks, call: patches.options,
    picture: view.sample ? paper.untouched : '',
    about: [...new Set([subject, ...asked.texts])].filter(Boolean),
  }, document.baseURI)
}

/** Shows the view that the address asks for. */
function followLink() {
  const view = readLink(location.hash)
  labels.set(view.labels ?? firstLabels)
  template.value = view.template ?? '{}'
  openSample(view.sample ?? samples[0])
  const model = view.model ?? ownModel
  const options = loadOptions(view)
  if (model === loader.name && options.device === loader.options.device && options.dtype === loader.options.dtype) {
    const { info } = loader.model
    patches.offer(info, view.patches)
    views?.maps.choose({ method: later.usualMap(info), layer: info.shapes.layers - 1, head: null, label: null, ...view })
  } else if (model !== ownModel && isElsewhere(model)) {
    loader.suggest(model)
    if (!loader.model) loader.load(ownModel)
  } else loader.load(model, options)
}

enableThemes(() => views?.embedding.draw())
enableDrawing(paper)
acceptPictures(paper, announce)
const openSample = showSamples(paper)
watchRequests()
byId('copy-code').addEventListener('click', () => copy(byId('copy-code'), byId('snippet').textContent, byId('snippet')))
byId('copy-link').addEventListener('click', () => copy(byId('copy-link'), location.href))
addEventListener('hashchange', followLink)
followLink()
