// The page in a browser with WebGPU: the visitor chooses the graphics card, reads what the
// model runs on, and compares it with plain float32.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { softwareGPU } from '../browser/go-tests.mjs'
import { visits } from './visit.mjs'

const visit = visits({ args: softwareGPU })

test('the graphics card is chosen, and agrees with plain float32', { timeout: 600_000 }, async () => {
  const page = await visit()
  await page.locator('#device').selectOption('webgpu')
  await page.waitForFunction(() => location.hash === '#device=webgpu')
  await page.locator('#device-facts').filter({ hasText: 'your graphics card' }).waitFor()
  const facts = Object.fromEntries(await page.locator('#device-facts div').evaluateAll((all) =>
    all.map((row) => [row.querySelector('dt').textContent, row.querySelector('dd').textContent])))
  assert.match(facts['Graphics card'], /swiftshader/i)
  assert.match(facts['Prepared in'], /^\d+ ms, \d+ pipelines$/)
  assert.equal(facts['Not faster, because'], undefined)

  await page.getByRole('button', { name: 'Compare with plain float32' }).click()
  const words = page.locator('#compared').filter({ hasText: 'a cosine of' })
  await words.waitFor()
  const [, device, cosine] = /^On this picture, (\w+) f32 and plain float32 differ by at most [\d.e-]+ of the largest value, and have a cosine of ([\d.]+)\.$/.exec(await words.textContent())
  assert.equal(device, 'webgpu')
  assert.ok(Number(cosine) >= 0.99999, cosine)
})
