// The first page: a picture, the ranking of words against it, and what shows the inside of
// the model. It connects the parts, which know nothing of each other.

import { render } from '../vendor/lit-html/lit-html.js'
import { loadOptions, ownModel, readLink, writeLink } from '../model/link.js'
import { isElsewhere, ModelLoader, shortName } from '../model/loader.js'
import { Patches } from '../model/patches.js'
import { Requests } from '../model/requests.js'
import { modelForm, otherCard, placard } from '../model/templates.js'
import { attempt } from '../parts/attempt.js'
import { latest } from '../parts/latest.js'
import { sayError, sayScore } from '../parts/words.js'
import { Picture } from '../picture/picture.js'
import { samples, sampleUrl } from '../picture/samples.js'
import { firstLabels, Labels } from '../ranking/labels.js'
import { LabelTemplate } from '../ranking/labeltemplate.js'
import { Ranking } from '../ranking/ranking.js'

/** An answer that takes longer than this is not awaited in full while the pen moves, in ms. */
const live = 150

/** How long the picture must stay the same before the best label is announced, in ms. */
const pause = 1200

/** How many classes are shown. */
const shownClasses = 10

/** What has changed since the model last answered. */
const changed = { picture: true, labels: true, map: true }
/** What the picture was last compared with: labels or names of classes, how they are written, the best one. */
let asked = { texts: [], options: {}, best: '' }
/** @type {typeof import('./inside.js')|null} the module, once it is loaded */
let insideModule = null
/** @type {import('./inside.js').Inside|null} */
let inside = null
let lastTook = 0
let announceTimer
let status = 'Opening the case'

/** Empties a section of index.html, for the part that fills it, and gives it. */
const section = (id) => {
  const element = document.querySelector(`#${id}`)
  element.replaceChildren()
  return element
}
const placardSection = section('placard')
const formSection = section('model-form')
const otherCardSection = section('card-other')

/** @param {string} words for everyone; screen readers say them */
function announce(words) {
  status = words
  showModel()
}

/** Shows which model is loaded, or how far loading it is. */
function showModel() {
  render(placard(loader, status), placardSection)
  render(modelForm(loader), formSection)
}

const loader = new ModelLoader({
  announce, changed: showModel,
  begun: () => requests.stop(), loaded: onLoaded, ended: () => { if (inside) requests.start() },
})
const requests = new Requests(section('requests'))
const picture = new Picture(section('picture'), document.querySelector('#drop'), announce, () => onChange('picture'))
const labelTemplate = new LabelTemplate(() => onChange('labels'))
const labels = new Labels(() => onChange('labels'))
const patches = new Patches(() => onChange('picture'))
const ranking = new Ranking(section('ranking'), labels, labelTemplate, (label) => inside?.maps.toggle(label))

/**
 * Notes a change, and has the model answer it.
 * @param {'picture'|'labels'|'map'} what
 */
function onChange(what) {
  changed[what] = true
  if (what === 'labels') ranking.update()
  showView()
  void answer()
}

/** Asks the model about everything that has changed; the last state always gets its answer. */
const answer = latest(async (stale) => {
  const { model } = loader
  if (!model) return
  const todo = { ...changed }
  Object.assign(changed, { picture: false, labels: false, map: false })
  const start = performance.now()
  const pixels = picture.paper.pixels()
  // Where something newer has come and the model is slow, the rest of the answer waits.
  const yields = () => {
    if (!stale() || lastTook < live) return false
    for (const key of ['picture', 'map']) changed[key] ||= todo[key]
    return true
  }
  if (todo.picture || todo.labels) await attempt(ranking, () => rankOrClassify(model, pixels))
  if (yields()) return
  if (!inside) await showInside()
  if (!inside || loader.model !== model) return
  await inside.answer(model, pixels, { fresh: todo.picture, asked, yields })
  showCode()
  if (todo.picture) lastTook = performance.now() - start
})

/** Fetches the parts that the first ranking doesn't need. */
async function showInside() {
  try {
    insideModule = await import('./inside.js')
  } catch (error) {
    ranking.error = sayError(error)
    return ranking.update()
  }
  inside = new insideModule.Inside(section, {
    loader, patches, ranking, changed: () => onChange('map'), around: { begun: requests.stop, ended: requests.start },
  })
  inside.offer(loader.model.info, readLink(location.hash))
  requests.start()
}

/**
 * Ranks the labels, or names the classes.
 * @param {import('../../js/vitrine.d.ts').Model} model
 * @param {ImageData} pixels
 */
async function rankOrClassify(model, pixels) {
  const { tasks } = model.info
  let best
  asked = { texts: [], options: {}, best: '' }
  if (tasks.includes('rank')) {
    if (!labels.list.length) return ranking.forget()
    const options = labelTemplate.value === '{}' ? {} : { template: labelTemplate.value }
    const { texts } = labels
    asked = { texts, options, best: '' }
    const result = await model.rank(pixels, texts, { ...patches.options, ...options })
    ranking.showLabels(result.ranking, result.method)
    best = result.ranking[0]
    asked = { ...asked, best: best.label }
  } else if (tasks.includes('classify')) {
    const { classes, method } = await model.classify(pixels, { ...patches.options, topK: Math.min(shownClasses, model.info.classes) })
    ranking.showClasses(classes, method)
    best = classes[0]
    asked = { texts: classes.map(({ label }) => label), options: {}, best: best.label }
  }
  clearTimeout(announceTimer)
  const words = best ? `${best.label}, ${sayScore(best.score)}` : ''
  picture.showBest(words)
  if (best) announceTimer = setTimeout(() => announce(words), pause)
}

/**
 * Offers what the model that was loaded can do.
 * @param {number} seconds that loading took
 */
function onLoaded(seconds) {
  const { info } = loader.model
  const view = readLink(location.hash)
  const own = loader.name === ownModel
  document.querySelector('#card-own').hidden = !own
  otherCardSection.hidden = own
  render(otherCard(loader.name), otherCardSection)
  picture.showModel(own)
  ranking.offer(info.tasks)
  patches.offer(info, view.patches)
  inside?.offer(info, view)
  requests.show(info, seconds)
  announce(`${shortName(loader.name)} is ready`)
  Object.assign(changed, { picture: true, labels: true, map: true })
  showView()
  void answer()
}

/** What is chosen, for the address and for the code. */
function chosenView() {
  return {
    model: loader.name, ...loader.options, labels: labels.texts, template: labelTemplate.value,
    ...inside.maps.chosen, patches: patches.chosen, sample: picture.sample,
  }
}

/** Writes what is chosen into the address and into the code. */
function showView() {
  if (!loader.model || !inside) return // what the address asks for is still to be read
  const { info } = loader.model
  const hash = writeLink({ ...chosenView(), usual: insideModule.usualMap(info), layers: info.shapes.layers })
  if (hash !== location.hash.slice(1)) history.replaceState(null, '', hash ? `#${hash}` : location.pathname + location.search)
  showCode()
}

/** Writes what is chosen as code. */
function showCode() {
  const view = chosenView()
  inside.showCode({
    ...view, options: loader.options, tasks: loader.model.info.tasks, call: patches.options,
    picture: view.sample ? sampleUrl(view.sample) : '',
  }, asked.texts)
}

/** Shows the view that the address asks for. */
function followLink() {
  const view = readLink(location.hash)
  labels.set(view.labels ?? firstLabels)
  labelTemplate.value = view.template ?? '{}'
  ranking.update()
  void picture.openSample(view.sample ?? samples[0])
  const model = view.model ?? ownModel
  const options = loadOptions(view)
  if (model === loader.name && options.device === loader.options.device && options.dtype === loader.options.dtype) {
    const { info } = loader.model
    patches.offer(info, view.patches)
    inside?.maps.choose({ method: insideModule.usualMap(info), layer: info.shapes.layers - 1, head: null, label: null, ...view })
  } else if (model !== ownModel && isElsewhere(model)) {
    loader.suggest(model)
    if (!loader.model) void loader.load(ownModel)
  } else void loader.load(model, options)
}

addEventListener('hashchange', followLink)
followLink()
