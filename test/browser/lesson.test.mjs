// The claims of a lesson on vision transformers hold for the real engine: why positions
// matter, why vision needs no causal mask, and what the two losses are.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertFailure, pages } from './page.mjs'

const open = pages()
const cosine = (a, b) => a.reduce((sum, v, i) => sum + v * b[i], 0)

test('without positions patches are a set; under a causal mask the class token sees no patch', async () => {
  const page = await open()
  const got = await page.evaluate(async () => {
    const model = await vitrine.load('./models/emoji-clip')
    const picture = './models/emoji-clip/reference/cat.png'
    const order = [...Array(64).keys()].reverse()
    const embed = async (experiment, image = picture) => [...(await model.embedImage(image, { experiment })).embedding]
    return {
      plain: await embed(),
      turned: await embed({ order }),
      bare: await embed({ positions: false }),
      bareTurned: await embed({ positions: false, order }),
      blind: await embed({ causal: true }),
      blindToo: await embed({ causal: true }, './models/emoji-clip/reference/house.png'),
      wrong: await failure(model.embedImage(picture, { experiment: { order: [0, 0] } })),
      unknown: await failure(model.embedImage(picture, { experiment: { shuffle: true } })),
    }
  })
  assert.ok(cosine(got.plain, got.turned) < 0.99)
  assert.ok(cosine(got.bare, got.bareTurned) > 0.99999)
  assert.ok(cosine(got.plain, got.blind) < 0.99)
  assert.ok(cosine(got.blind, got.blindToo) > 0.99999)
  assertFailure(got.wrong, 'option', 'order', '64')
  assertFailure(got.unknown, 'option', 'experiment', 'positions')
})

test('the losses of a batch are those of the lesson', async () => {
  const page = await open()
  const got = await page.evaluate(async () => {
    const model = await vitrine.load('./models/emoji-clip')
    return { losses: await model.losses([[2.0, -1.0], [-0.4, 1.7]]), wrong: await failure(model.losses([[1, 2]])) }
  })
  const rounded = got.losses.pairs.flat().map((v) => Number(v.toFixed(3)))
  assert.deepEqual(rounded, [0.127, 0.313, 0.513, 0.168])
  assert.equal(got.losses.mean.toFixed(2), '0.28')
  assert.ok(Math.abs(got.losses.siglip - 2 * got.losses.mean) < 1e-9)
  // (ln(1+e⁻³) + ln(1+e⁻²·¹) + ln(1+e⁻²·⁴) + ln(1+e⁻²·⁷))/4, rows and columns
  const soft = (x) => Math.log1p(Math.exp(-x))
  assert.ok(Math.abs(got.losses.clip - (soft(3) + soft(2.1) + soft(2.4) + soft(2.7)) / 4) < 1e-9)
  assertFailure(got.wrong, 'option', 'logits', 'square')
})
