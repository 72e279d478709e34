// speed.html: the figures of the last run of the bench.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { barriers, visits } from './visit.mjs'

const visit = visits()
const results = JSON.parse(await readFile(new URL('../../bench/last.json', import.meta.url)))

/** The charts as the page shows them: {title, groups: [{name, bars: [{name, times, length, even}]}]}, lengths in shares of the lane. */
const charts = (page, section) => page.locator(`${section} .panel`).evaluateAll((panels) => panels.map((panel) => ({
  title: panel.querySelector('h3').textContent,
  groups: [...panel.querySelectorAll('tbody')].map((body) => ({
    name: body.querySelector('[scope=rowgroup]').textContent,
    bars: [...body.querySelectorAll('tr:has(rect)')].map((row) => {
      const lane = row.querySelector('.lane svg').getBoundingClientRect()
      const of = (selector, side) => (row.querySelector(selector).getBoundingClientRect()[side] - lane.left) / lane.width
      return {
        name: row.querySelector('[scope=row]').textContent,
        times: row.querySelector('.number').textContent,
        length: of('.length', 'right'), even: of('.even', 'left'), low: of('.spread', 'left'), high: of('.spread', 'right'),
      }
    }),
  })),
})))

test('every model of the last run has its bars, each as long as its figure', async () => {
  const page = await visit({ path: 'speed.html' })
  const seen = await charts(page, '#models')
  assert.deepEqual(seen.map(({ title }) => title), results.models.map(({ title }) => title))
  for (const [i, { title, groups }] of seen.entries()) {
    const { rows } = results.models[i]
    const over = (name, dtype) => rows.find((row) => row.name === name).over[dtype]
    for (const [group, dtype, names] of [
      ['float32', 'f32', { 'one worker': 'Vitrine f32', 'two workers': 'Vitrine f32, 2 workers', 'one, no SIMD': 'Vitrine f32, scalar', 'ort, two threads': 'ort f32, 2 threads, isolated' }],
      ['int8', 'q8', { 'one worker': 'Vitrine q8', 'two workers': 'Vitrine q8, 2 workers', 'ort, two threads': 'ort q8, 2 threads, isolated' }],
    ]) {
      const { bars } = groups.find(({ name }) => name === group)
      for (const [label, name] of Object.entries(names)) {
        const bar = bars.find((each) => each.name === label)
        const { median, low, high } = over(name, dtype)
        const what = `${title}, ${group}, ${label}`
        const said = /^([\d.]+)×, half of the turns between ([\d.]+)× and ([\d.]+)×$/.exec(bar.times)
        for (const [i, times] of [median, low, high].entries()) assert.ok(Math.abs(said[i + 1] - times) < 0.0051, `${what}: "${bar.times}" for ${times}`)
        // The line is 1×, so a bar is as many times as long as it is fast.
        for (const [length, times] of [[bar.length, median], [bar.low, low], [bar.high, high]]) assert.ok(Math.abs(length / bar.even - times) < 0.03, `${what}: ${length / bar.even} for ${times}`)
        assert.equal(bar.length < bar.even, median < 1, what)
        assert.ok(bar.high <= 1, what)
      }
    }
  }
  const words = await page.locator('main').textContent()
  for (const said of [results.date, results.machine, results.browser, results.version, results.peers]) assert.ok(words.includes(said), `the page does not say ${said}`)
})

test('the first ranking, products and the loss stand there too', async () => {
  const page = await visit({ path: 'speed.html' })
  const words = (await page.locator('[aria-labelledby=others-title]').textContent()).replaceAll(/\s+/g, ' ')
  const tiny = results.accuracy.find(({ name, what }) => name === 'Vitrine q8' && what === 'embedding')
  for (const figure of [
    ...results.startup.map(({ over }) => `${over.median.toFixed(2)}×`),
    `${results.gemm.find(({ name }) => name === 'jax-js wasm f32').over.f32.median.toFixed(2)}×`,
    `${tiny.top} of ${tiny.count}`,
  ]) assert.ok(words.includes(figure), `${figure} is not in ${words}`)
})

test('the page is reached by keyboard, loads no more than its own files, and keeps the theme', async () => {
  const page = await visit()
  const link = page.getByRole('link', { name: 'How fast it is' })
  await link.focus()
  const before = page.server.requests.length
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'From the call to the answer' }).waitFor()
  await page.getByRole('button', { name: 'Dark' }).focus()
  await page.keyboard.press('Enter')
  const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const asked = page.server.requests.slice(before).map((url) => url.replace(/\?.*/, ''))
  assert.deepEqual(asked.filter((url) => !/^\/(speed\.html|pages\/(speed\.css|theme\.js))$/.test(url)), [])
  await page.getByRole('link', { name: 'Vitrine' }).click()
  await page.locator('#ranking-rows tr.best').waitFor()
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), dark)
})

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds no barrier, ${colorScheme}, wide and narrow`, async () => {
    const page = await visit({ path: 'speed.html' })
    await page.emulateMedia({ colorScheme })
    for (const width of [1200, 360]) {
      await page.setViewportSize({ width, height: 800 })
      assert.deepEqual(await barriers(page), [])
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= width, `wider than ${width} pixels`)
    }
  })
}
