// The modules of the site that need no browser.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { preprocessView } from '../../site/maps/preprocess.js'
import { sayWhere } from '../../site/maps/where.js'
import { ownModel, readLink, writeLink } from '../../site/model/link.js'
import { latest } from '../../site/parts/latest.js'
import { Labels, splitLabels } from '../../site/ranking/labels.js'

test('labels are split at commas, semicolons and lines, and kept once', () => {
  assert.deepEqual(splitLabels(' cat, a red car\n\nhouse;; tree \r\n'), ['cat', 'a red car', 'house', 'tree'])
  let changes = 0
  const labels = new Labels(() => changes++)
  assert.equal(labels.add(['cat', 'Cat', 'dog']), 2)
  assert.equal(labels.add(['DOG']), 0)
  assert.equal(changes, 1)
  labels.edit(labels.list[0].id, 'lion, tiger')
  assert.deepEqual(labels.texts, ['lion', 'dog', 'tiger'])
  labels.edit(labels.list[1].id, ' ')
  assert.deepEqual(labels.texts, ['lion', 'tiger'])
})

test('a view survives being written as a link', () => {
  const view = { model: 'openai/clip-vit-base-patch32', labels: ['a, b', 'c & d', 'ü'], template: 'my {}', sample: 'house', method: 'raw', layer: 1, head: 3 }
  assert.deepEqual({ method: 'raw', ...readLink('#' + writeLink({ ...view, usual: 'raw', layers: 12 })) }, view)
  const rollout = { ...view, method: 'rollout', head: null }
  assert.deepEqual({ head: null, ...readLink('#' + writeLink({ ...rollout, usual: 'raw', layers: 12 })) }, rollout)
  const relevance = { ...rollout, method: 'contribution', label: 'c & d', device: 'scalar', dtype: 'q8', patches: 64 }
  assert.deepEqual({ head: null, ...readLink('#' + writeLink({ ...relevance, usual: 'raw', layers: 12 })) }, relevance)
})

test('the first view is an empty link, and nonsense in a link is left out', () => {
  const labels = ['cat', 'house', 'sailboat', 'mushroom', 'fish', 'tree', 'sun', 'heart', 'car', 'key']
  assert.equal(writeLink({ model: ownModel, labels, template: '{}', sample: 'cat', method: 'raw', layer: 3, head: null, label: null, device: 'auto', patches: null, usual: 'raw', layers: 4 }), '')
  assert.deepEqual(readLink('#sample=../secret&layer=-1&head=x&method=eval&template=none&device=gpu&dtype=f64&patches=1e9'), {})
})

test('the preprocessing view is the middle of a picture whose shortest edge is resized', () => {
  const clip = { resize: 'shortest-edge', edge: 64, size: [0, 0], crop: [64, 64] }
  assert.deepEqual(preprocessView({ width: 200, height: 100 }, clip), { left: 50, top: 0, width: 100, height: 100, toWidth: 64, toHeight: 64 })
  const deit = { resize: 'shortest-edge', edge: 256, size: [0, 0], crop: [224, 224] }
  assert.deepEqual(preprocessView({ width: 256, height: 512 }, deit), { left: 16, top: 144, width: 224, height: 224, toWidth: 224, toHeight: 224 })
})

test('the preprocessing view is all of a picture that is squashed, and has black around a small one', () => {
  const vit = { resize: 'squash', edge: 0, size: [224, 224], crop: [0, 0] }
  assert.deepEqual(preprocessView({ width: 200, height: 100 }, vit), { left: 0, top: 0, width: 200, height: 100, toWidth: 224, toHeight: 224 })
  const bare = { resize: 'none', edge: 0, size: [0, 0], crop: [64, 64] }
  assert.deepEqual(preprocessView({ width: 32, height: 64 }, bare), { left: -16, top: 0, width: 64, height: 64, toWidth: 64, toHeight: 64 })
})

test('of many changes during a slow task only the last is seen, and it is seen', async () => {
  let state = 0
  const seen = []
  const change = latest(async () => {
    const now = state
    await new Promise(setImmediate)
    seen.push(now)
  })
  let end
  for (state = 1; state <= 5; state++) end = change()
  state = 6
  void change()
  await end
  assert.deepEqual(seen, [1, 6])
})

test('a task that fails does not stop the next', async () => {
  let fail = true
  const change = latest(async () => { if (fail) throw new Error('once') })
  await assert.rejects(change(), /once/)
  fail = false
  await change()
})

test('a map is said in words', () => {
  const grid = [4, 4]
  const at = (i) => Array.from({ length: 16 }, (_, j) => (i === j ? 1 : 0))
  assert.equal(sayWhere(at(0), grid), 'the upper left')
  assert.equal(sayWhere(at(15), grid), 'the lower right')
  assert.equal(sayWhere(at(5), grid), 'the upper left')
  assert.equal(sayWhere(Array.from({ length: 64 }, (_, i) => (i === 27 ? 1 : 0)), [8, 8]), 'the middle')
})
