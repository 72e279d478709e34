// The first page, as a visitor uses it.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { randomViT } from '../browser/models.mjs'
import { folders } from '../browser/page.mjs'
import { barriers, changes, pixelsOf, sample, visits } from './visit.mjs'

const visit = visits()
const reference = JSON.parse(await readFile(new URL('../../site/models/emoji-clip/reference.json', import.meta.url)))

let usual

/** One page for the tests that leave it usable, back at its first view or at another. */
async function revisit(hash = '') {
  usual ??= await visit()
  await usual.evaluate((view) => {
    history.replaceState(null, '', location.pathname + view)
    dispatchEvent(new HashChangeEvent('hashchange'))
  }, hash)
  await firstIs(usual, /sample=(\w+)/.exec(hash)?.[1] ?? 'cat')
  return usual
}

/** The rows of the ranking in their order: [label, score in percent]. */
const ranking = (page) => page.locator('#ranking-rows tr').evaluateAll((rows) =>
  rows.map((row) => [row.querySelector('input').value, row.querySelector('.score').textContent]))

/** Waits until a label is first. */
const firstIs = (page, label) => page.waitForFunction((text) =>
  document.querySelector('#ranking-rows tr.best input')?.value === text &&
  document.querySelector('#ranking-rows tr').classList.contains('best'), label)

/** Draws a line through points, given as shares of the paper. */
async function draw(page, points) {
  const box = await page.locator('#paper').boundingBox()
  const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height]
  await page.mouse.move(...at(points[0]))
  await page.mouse.down()
  for (const point of points.slice(1)) await page.mouse.move(...at(point))
  await page.mouse.up()
}

const choose = (page, name) => page.getByRole('radio', { name, exact: true }).check({ force: true })

const heart = Array.from({ length: 41 }, (_, i) => {
  const t = i / 40 * 2 * Math.PI
  return [0.5 + 0.32 * Math.sin(t) ** 3, 0.47 - 0.02 * (13 * Math.cos(t) - 5 * Math.cos(2 * t) - 2 * Math.cos(3 * t) - Math.cos(4 * t))]
})

test('the first ranking waits for no more than it needs', async () => {
  let release
  const hold = new Promise((resolve) => { release = resolve })
  const page = await visit({ ready: false, habits: (path) => (path.startsWith('/pages/inside-') ? { hold } : {}) })
  await firstIs(page, 'cat')
  assert.equal(await page.locator('#thumbs').count(), 0)
  release()
  await page.locator('#thumbs button').first().waitFor()
  const own = page.server.requests.filter((url) => /^\/(pages|js)\/.*\.(js|css)$/.test(url)).map((url) => url.replace(/-\w+(?=\.js)/, '')).sort()
  assert.deepEqual(own, ['/js/vitrine.js', '/js/worker.js', '/pages/chunk.js', '/pages/index.css', '/pages/index.js', '/pages/inside.js', '/pages/theme.js'])
})

test('the samples are ranked as the reference ranks them', async () => {
  const labels = reference.labels.map((label) => 'labels=' + encodeURIComponent(label)).join('&')
  const page = await revisit('#' + labels)
  for (const { file, shows, ranking: expected } of reference.pictures.filter(({ shows }) => ['cat', 'house', 'sailboat'].includes(shows))) {
    await sample(page, shows)
    await firstIs(page, expected[0].label)
    const seen = await ranking(page)
    assert.deepEqual(seen.map(([label]) => label), expected.map(({ label }) => label), file)
    for (const [i, [, score]] of seen.entries()) {
      if (!score.startsWith('<')) assert.ok(Math.abs(Number.parseFloat(score) - expected[i].score * 100) < 0.06, `${file}: ${seen[i]}, want ${expected[i].score}`)
    }
    assert.equal(seen[0][0], shows)
  }
})

test('the map lies over the picture, and each layer and head has its own', async () => {
  const page = await revisit()
  assert.equal(await page.getByRole('radio', { name: /^Layer/ }).count(), 4 * (2 + 1))
  const cat = await pixelsOf(page, '#map')
  assert.equal(await page.locator('#map').evaluate((canvas) => [canvas.width, canvas.height].join()), '8,8')
  await page.getByRole('radio', { name: 'Layer 1, head 0' }).click()
  await changes(page, '#map', cat)
  assert.match(page.url(), /layer=1&head=0/)
  const head = await pixelsOf(page, '#map')
  await page.locator('#method').selectOption('rollout')
  await changes(page, '#map', head)
  const rollout = await pixelsOf(page, '#map')
  const seen = await pixelsOf(page, '#seen')
  await sample(page, 'house')
  await changes(page, '#map', rollout)
  assert.notEqual(await pixelsOf(page, '#seen'), seen)
})

test('a patch reads the value that the library gives', async () => {
  const page = await revisit('#sample=house&layer=2&head=1')
  await page.locator('#view').focus()
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key)
  const said = await page.locator('#patch').textContent()
  const value = await page.evaluate(async () => {
    const { load } = await import(new URL('js/vitrine.js', document.baseURI).href)
    const model = await load('./models/emoji-clip')
    const { data } = await model.attention(document.querySelector('[data-sample=house] img'), { layer: 2, head: 1 })
    model.close()
    return data[3 * 8 + 1]
  })
  assert.ok(said.startsWith(`Row 3, column 1: ${value.toFixed(4)},`), `"${said}", want ${value}`)
})

test('a drawing is ranked while it is drawn, and undo takes it back', async () => {
  const page = await revisit()
  await page.locator('#clear').click()
  await choose(page, 'red')
  await draw(page, heart)
  await choose(page, 'Fill')
  await draw(page, [[0.5, 0.5]])
  await firstIs(page, 'heart')
  await page.waitForFunction(() => Number.parseFloat(document.querySelector('tr.best .score').textContent) > 75)
  for (let i = 0; i < 3; i++) await page.getByRole('button', { name: 'Undo' }).click()
  await firstIs(page, 'cat')
})

test('keys alone can draw', async () => {
  const page = await revisit()
  await page.locator('#paper').focus()
  const before = await pixelsOf(page, '#paper')
  await page.keyboard.press('ArrowUp')
  assert.equal(await pixelsOf(page, '#paper'), before)
  await page.keyboard.press('Space')
  for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('Space')
  const drawn = await pixelsOf(page, '#paper')
  assert.notEqual(drawn, before)
  await page.keyboard.press('ArrowLeft')
  assert.equal(await pixelsOf(page, '#paper'), drawn)
  await page.keyboard.press('Control+z')
  assert.equal(await pixelsOf(page, '#paper'), before)
})

test('a picture can be pasted, picked and dropped', async () => {
  const page = await revisit()
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.evaluate(async () => {
    const canvas = document.createElement('canvas')
    const image = document.querySelector('[data-sample=house] img')
    ;[canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight]
    canvas.getContext('2d').drawImage(image, 0, 0)
    const blob = await new Promise((resolve) => canvas.toBlob(resolve))
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })])
  })
  await page.keyboard.press('Control+v')
  await firstIs(page, 'house')

  await page.locator('#file').setInputFiles(folders.dist + '/models/emoji-clip/reference/sailboat.png')
  await firstIs(page, 'sailboat')

  const cat = await readFile(folders.dist + '/models/emoji-clip/reference/cat.png', 'base64')
  await page.evaluate((base64) => {
    const transfer = new DataTransfer()
    transfer.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], 'a.png', { type: 'image/png' }))
    for (const type of ['dragenter', 'dragover', 'drop']) {
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }))
    }
  }, cat)
  await firstIs(page, 'cat')
  assert.equal(await page.locator('#drop').isVisible(), false)

  await page.locator('#file').setInputFiles({ name: 'notes.txt', mimeType: 'image/png', buffer: Buffer.from('no picture') })
  await page.getByText('notes.txt is not a picture').waitFor()
  assert.equal((await ranking(page))[0][0], 'cat')
})

test('labels are edited in place and the ranking follows', async () => {
  const page = await revisit()
  await page.locator('#ranking-rows tr.best input').fill('heart attack')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => ![...document.querySelectorAll('#ranking-rows input')].some((input) => input.value === 'cat'))
  await page.locator('#add').fill('cat face, dog\n')
  await page.keyboard.press('Enter')
  await firstIs(page, 'cat face')
  await page.getByRole('button', { name: 'Remove cat face' }).click()
  await page.waitForFunction(() => !document.querySelector('#ranking-rows tr.best')?.textContent.includes('–'))
  const labels = (await ranking(page)).map(([label]) => label)
  assert.ok(!labels.includes('cat face') && labels.includes('dog') && labels.includes('heart attack'), labels.join())
  assert.match(page.url(), /labels=dog/)

  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.evaluate(() => navigator.clipboard.writeText('orange cat\numbrella\nbus'))
  await page.locator('#add').focus()
  await page.keyboard.press('Control+v')
  await firstIs(page, 'orange cat')

  const [, bare] = (await ranking(page))[0]
  await page.locator('#template').selectOption('a drawing of a {}')
  await page.waitForFunction((old) => document.querySelector('#ranking-rows .score').textContent !== old, bare)
})

test('after loading no request is made, and none is needed', async () => {
  const page = await visit()
  const before = page.server.requests.length
  for (const offline of [false, true]) {
    await page.context().setOffline(offline)
    for (const name of ['house', 'sailboat', 'cat']) {
      await sample(page, name)
      await firstIs(page, name)
    }
  }
  await page.locator('#clear').click()
  await draw(page, heart)
  await page.locator('#add').fill('rose')
  await page.keyboard.press('Enter')
  await page.locator('#method').selectOption('rollout')
  await page.locator('#details').check()
  await page.waitForFunction(() => document.querySelector('#ranking-rows').textContent.includes('–') === false)
  assert.deepEqual(page.server.requests.slice(before), [])
  assert.equal(await page.locator('[data-fact=requests]').textContent(), '0')
  const listed = (await page.locator('#fetched th').allTextContents()).join()
  for (const file of ['js/vitrine.wasm', 'models/emoji-clip/model.safetensors', 'pages/index.css', 'pages/index.js', 'index.html']) assert.ok(listed.includes(file), `${file} is not among ${listed}`)
})

test('the code on the page runs as it stands', async () => {
  const page = await revisit('#sample=house&layer=1&head=0&template=a drawing of a {}')
  const code = await page.locator('#snippet').textContent()
  const logged = await page.evaluate(`(async () => {
    const logged = []
    const console = { log: (...values) => logged.push(values.map((value) => value.length > 9 ? value.length : value)) }
    ${code}
    model.close()
    return logged
  })()`)
  assert.equal(logged[0][0], 'house')
  assert.equal(`${(logged[0][1] * 100).toFixed(1)} %`, (await ranking(page))[0][1])
  assert.deepEqual(logged.slice(1).flat(2), [8, 8, 64, 128])
})

test('a model that is not there is one sentence, and the one before stays', async () => {
  const page = await revisit()
  await page.locator('#model-input').fill('./models/nothing')
  await page.locator('#model-load').click()
  await page.locator('#model-error').filter({ hasText: '(not-found)' }).waitFor()
  await sample(page, 'house')
  await firstIs(page, 'house')
})

test('loading can be stopped', async () => {
  const page = await visit({ habits: (path) => (path.startsWith('/slow/') ? { hold: new Promise(() => {}) } : {}), complains: true })
  await page.locator('#model-input').fill('./slow')
  await page.route('**/slow/**', () => {}) // never answered
  await page.locator('#model-load').click()
  await page.locator('#model-abort').click()
  await page.getByText('Stopped.').waitFor()
  assert.equal(await page.locator('#model-load').isVisible(), true)
  await sample(page, 'house')
  await firstIs(page, 'house')
})

test('a link never fetches from another host without being asked', async () => {
  const page = await visit({ hash: '#model=somebody/some-model&labels=cat&labels=house' })
  await page.getByText('The link you followed asks for somebody/some-model').waitFor()
  await firstIs(page, 'cat')
  assert.equal(await page.locator('#model-input').inputValue(), 'somebody/some-model')
})

test('a classifier shows its classes and hides the labels', async () => {
  const page = await visit({ hash: '#model=./random&layer=4&head=2', ready: false, mounts: { '/random/': randomViT() } })
  await page.locator('#classes-rows tr').first().waitFor()
  assert.equal(await page.locator('#labels-part').isVisible(), false)
  assert.equal(await page.locator('#classes-rows tr').count(), 10)
  await page.locator('#thumbs button').first().waitFor()
  assert.equal(await page.getByRole('radio', { name: /^Layer/ }).count(), 12 * (3 + 1))
  assert.equal(await page.getByRole('radio', { name: 'Layer 4, head 2' }).getAttribute('aria-checked'), 'true')
})

test('the theme is remembered', async () => {
  const page = await visit()
  const wall = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const light = await wall()
  await page.getByRole('button', { name: 'Dark' }).click()
  const dark = await wall()
  assert.notEqual(dark, light)
  await page.reload()
  assert.equal(await wall(), dark)
})

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds no barrier, ${colorScheme}`, async () => {
    const page = await revisit()
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.locator('#details').check()
    await page.locator('details').evaluateAll((all) => { for (const details of all) details.open = true })
    await page.locator('#trace-rows tr').first().waitFor()
    await page.getByRole('button', { name: 'Which patches speak for cat' }).click()
    await page.getByRole('heading', { name: 'What speaks for “cat”' }).waitFor()
    assert.deepEqual(await barriers(page), [])
  })
}

test('nothing is wider than a narrow phone', async () => {
  const page = await revisit()
  await page.setViewportSize({ width: 360, height: 740 })
  await page.locator('#details').check()
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= 360)
})
