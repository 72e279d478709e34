// What the page offers for each kind of model: maps, grid, visual tokens, stages, and the
// device it runs on.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { folders } from '../browser/page.mjs'
import { changes, pixelsOf, sample, visits } from './visit.mjs'

const visit = visits()
const golden = (name) => `./testdata/golden/models/${name}`

/** Waits until an element says something. */
const says = (page, id, text) => page.locator(id).filter({ hasText: text }).waitFor()

/** Visits the page with another model, and waits for the title of its map. */
async function visitModel(address, title, view = '', options = {}) {
  const page = await visit({ hash: `#model=${address}${view}`, ready: false, ...options })
  await says(page, '#map-note', /\w/) // it is empty until there is a map
  await says(page, '#map-title', title)
  return page
}

/** The names of what the select of maps offers. */
const kinds = (page) => page.locator('#method option:not([hidden])').allTextContents()

/** The answer of the library about the model and the sample in the page's address. */
const ask = (page, call) => page.evaluate(`(async () => {
  const { load } = await import(new URL('js/vitrine.js', document.baseURI).href)
  const view = new URLSearchParams(location.hash.slice(1))
  const model = await load(view.get('model') ?? './models/emoji-clip')
  const picture = document.querySelector('[data-sample=' + (view.get('sample') ?? 'cat') + '] img')
  const answer = await ${call}
  model.close()
  return answer
})()`)

const emojiLabels = `['cat', 'house', 'sailboat', 'mushroom', 'fish', 'tree', 'sun', 'heart', 'car', 'key']`

/** The warmest pixel of the painted map, {row, column, drawn}: drawn is whether the picture has a stroke there. */
const warmest = (page) => page.evaluate(() => {
  const map = document.querySelector('#map')
  const seen = document.querySelector('#seen')
  const { data } = map.getContext('2d').getImageData(0, 0, map.width, map.height)
  let at = -1
  for (let i = 0; i < data.length / 4; i++) {
    const warm = data[i * 4] > data[i * 4 + 2]
    if (warm && (at < 0 || data[i * 4 + 3] > data[at * 4 + 3])) at = i
  }
  const [row, column] = [Math.floor(at / map.width), at % map.width]
  const side = seen.width / map.width
  const below = seen.getContext('2d').getImageData(column * side, row * side, side, side).data
  return { row, column, drawn: below.some((value) => value < 128) }
})

test('the map of a label is strongest on what the label names, and each label has its own', async () => {
  const page = await visit()
  const attention = await pixelsOf(page, '#map')
  await says(page, '#map-note', 'It is not about a label')
  const square = (label) => page.getByRole('button', { name: `Which patches speak for ${label}` })
  await square('cat').click()
  await says(page, '#map-title', 'What speaks for “cat”')
  const cat = await pixelsOf(page, '#map')
  assert.notEqual(cat, attention)
  const { row, column, drawn } = await warmest(page)
  const contrast = await ask(page, `model.relevance(picture, ${emojiLabels}).then(({ maps }) => [...maps[0].contrast])`)
  assert.equal(row * 8 + column, contrast.indexOf(Math.max(...contrast)))
  assert.ok(drawn, `the warmest patch, row ${row}, column ${column}, has no stroke of the drawing`)
  assert.match(page.url(), /method=dense&label=cat/)
  await says(page, '#map-note', 'Relevance is about this label')

  await square('sun').click()
  await says(page, '#map-title', '“sun”')
  assert.notEqual(await pixelsOf(page, '#map'), cat)
  assert.deepEqual([await square('sun').getAttribute('aria-pressed'), await square('cat').getAttribute('aria-pressed')], ['true', 'false'])
  await square('sun').click()
  await says(page, '#map-title', 'Where it looked')
  assert.equal(await pixelsOf(page, '#map'), attention)
})

test('contribution says what the patches gave of the similarity, and its code runs', async () => {
  const page = await visit({ hash: '#sample=house&method=contribution&label=house', ready: false })
  await says(page, '#map-title', '“house”')
  const { similarity, rest, sum } = await ask(page, `model.relevance(picture, ${emojiLabels}, { method: 'contribution' })
    .then(({ maps }) => ({ similarity: maps[1].similarity, rest: maps[1].rest, sum: maps[1].data.reduce((a, b) => a + b) }))`)
  assert.ok(Math.abs(sum + rest - similarity) < 1e-5)
  const written = (value) => value.toFixed(3).replace('-', '−')
  await says(page, '#map-words', `Patches gave ${written(sum)} of the similarity ${written(similarity)}`)
  const code = await page.locator('#snippet').textContent()
  const logged = await page.evaluate(`(async () => {
    const logged = []
    const console = { log: (...values) => logged.push(values) }
    ${code}
    model.close()
    return logged.map(([label, grid, contrast]) => [label, String(grid), contrast?.length])
  })()`)
  assert.deepEqual(logged[1], ['house', '8,8', 64])
})

test('a label that is edited away gives its map to the best one', async () => {
  const page = await visit({ hash: '#method=dense&label=sun', ready: false })
  await says(page, '#map-title', '“sun”')
  await page.getByRole('button', { name: 'Remove sun' }).click()
  await says(page, '#map-title', '“cat”')
})

test('a classifier shows its classes, and which patches speak for each', async () => {
  const page = await visitModel(golden('vit_image_classification'), 'Where it looked')
  assert.equal(await page.locator('#classes-rows tr').count(), 7)
  assert.equal(await page.locator('#labels-part').isVisible(), false)
  assert.deepEqual(await kinds(page), ['attention', 'rollout', 'relevance', 'contribution', 'colours'])
  await page.getByRole('button', { name: 'Which patches speak for crayon' }).click()
  await says(page, '#map-title', 'What speaks for “crayon”')
})

test('a model with neither words nor classes shows its colours', async () => {
  const page = await visitModel(golden('dinov3_vit'), 'What it tells apart')
  assert.deepEqual(await kinds(page), ['attention', 'rollout', 'colours'])
  for (const id of ['#labels-part', '#classes-part', '#visual-tokens', '#patches-part', '#embedding-words', '.map-note']) assert.equal(await page.locator(id).isVisible(), false, id)
  const painted = await page.locator('#map').evaluate((canvas) => [canvas.width, canvas.height, ...canvas.getContext('2d').getImageData(0, 0, 1, 1).data])
  const { grid, data } = await ask(page, `model.colors(picture).then(({ grid, data }) => ({ grid, data: [...data.slice(0, 3)] }))`)
  assert.deepEqual(painted.slice(0, 2), grid)
  for (const [i, part] of data.entries()) assert.ok(Math.abs(painted[2 + i] - part * 255) < 3, `${painted}, want ${data}`)
  assert.doesNotMatch(page.url(), /method/)
  const last = await pixelsOf(page, '#map')
  await page.locator('#layer').selectOption('0')
  await changes(page, '#map', last)
})

test('a NaFlex model shows its grid in the shape of the picture, and takes another number of patches', async () => {
  const page = await visitModel(golden('siglip2_naflex'), 'Where it looked', '&sample=sailboat')
  const gridOf = (options) => ask(page, `model.attentionStack(picture, ${options}).then(({ grid }) => grid)`)
  const said = ([rows, columns]) => `${rows} rows × ${columns} columns = ${rows * columns} patches`
  const own = await gridOf('{}')
  await says(page, '#patches-grid', said(own))
  const [drawn, shown] = await page.evaluate(() => {
    const image = document.querySelector('[data-sample=sailboat] img')
    const { width, height } = document.querySelector('#view').getBoundingClientRect()
    return [image.naturalWidth / image.naturalHeight, width / height]
  })
  assert.notEqual(drawn, 1)
  assert.ok(Math.abs(drawn - shown) < 0.02, `${shown}, want ${drawn}`)
  await page.locator('#patches').fill('12')
  await page.keyboard.press('Enter')
  const fewer = await gridOf('{ maxPatches: 12 }')
  assert.notDeepEqual(fewer, own)
  await says(page, '#patches-grid', said(fewer))
  assert.match(page.url(), /patches=12/)
  await page.reload()
  await says(page, '#patches-grid', said(fewer))
})

test('a LLaVA-style tower shows how many tokens a picture costs', async () => {
  const page = await visitModel(golden('llava_clip_multilayer_nobias'), 'What it tells apart')
  await says(page, '#visual-tokens-words', '16 tokens, and ten pictures 160')
  await says(page, '#visual-tokens-words', 'a row of 40 numbers')
  for (const id of ['#labels-part', '#classes-part', '#nothing-part', '#embedding']) assert.equal(await page.locator(id).isVisible(), false, id)
})

test('a pooling head is offered where there is one', async () => {
  // Its tokenizer lies with the other ones.
  const body = readFileSync(folders.testdata + '/golden/tokenizers/siglip_spm_test/spiece.model')
  const pages = { '/testdata/golden/models/siglip_end_to_end/spiece.model': { type: 'application/octet-stream', body } }
  const page = await visitModel(golden('siglip_end_to_end'), 'Where it looked', '&method=pool', { pages })
  await says(page, '#map-words', 'The pooling head, after all layers')
  await says(page, '#score-note', 'Each word has its own score')
  const without = await visitModel(golden('siglip_image_classification'), 'Where it looked', '&method=pool')
  assert.deepEqual(await kinds(without), ['attention', 'rollout', 'relevance', 'contribution', 'colours'])
})

test('the stages of the picture are shown', async () => {
  const page = await visit()
  await page.locator('#trace-details summary').click()
  await says(page, '#trace-rows', 'block.3')
  const rows = () => page.locator('#trace-rows tr').evaluateAll((all) =>
    all.map((row) => [row.querySelector('th').textContent, row.querySelector('.number').textContent]))
  const stages = await ask(page, 'model.trace(picture)')
  assert.deepEqual(await rows(), stages.map(({ stage, shape }) => [stage, shape.join(' × ')]))
  assert.ok((await page.locator('#trace-rows .meaning').allTextContents()).every(Boolean))
})

test('another device is chosen, and agrees with plain float32', async () => {
  const page = await visit()
  assert.equal(await page.locator('#device [value=webgpu]').count(), await page.evaluate(() => (navigator.gpu ? 1 : 0)))
  const cosine = async () => {
    await page.getByRole('button', { name: 'Compare with plain float32' }).click()
    const words = page.locator('#compared').filter({ hasText: 'a cosine of' })
    await words.waitFor()
    return Number(/cosine of ([\d.]+)\.$/.exec(await words.textContent())[1])
  }
  await page.locator('#device').selectOption('simd')
  await says(page, '#loading-words', 'emoji-clip is loaded')
  await page.waitForFunction(() => location.hash === '#device=simd')
  assert.ok(await cosine() >= 0.9999)
  assert.equal(await page.locator('#compare-error').isVisible(), false)
  assert.equal(page.workers().length, 1)

  await page.locator('#dtype').selectOption('q8')
  await page.waitForFunction(() => location.hash === '#device=simd&dtype=q8')
  await says(page, '#device-facts', 'q8')
  const q8 = await cosine()
  assert.ok(q8 > 0.98 && q8 < 0.999999, String(q8))
  await sample(page, 'house')
  await page.waitForFunction(() => document.querySelector('#compared').textContent === '')

  await page.goto(page.server.url + '#device=scalar')
  await says(page, '#device-facts', 'plain code, no SIMD')
  assert.equal(await page.locator('#device').inputValue(), 'scalar')
})
