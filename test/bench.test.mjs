// What the bench writes: it must be what its tables make of the last full run, and
// the profile must know whose work is whose.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { compact } from '../bench/compact.mjs'
import { sharesOf } from '../bench/profile.mjs'
import { markdown } from '../bench/table.mjs'
import { lastResults, tablesOf } from '../bench/tables.mjs'

test('last.md and the README are what the tables make of last.json', async () => {
  for (const [path, text] of tablesOf(lastResults())) {
    assert.equal(await readFile(path, 'utf8'), text, `${path} is not current: run node bench/tables.mjs`)
  }
})

test('a run of some parts has their tables, and what could not run its reason', () => {
  const results = lastResults()
  const { date, machine, browser, version, peers, turns } = results
  const run = { date, machine, browser, version, peers, turns }
  const [model] = results.models
  const missing = { ...run, models: [{ ...model, rows: model.rows.map((row) => (row.name === 'Vitrine q8' ? { name: row.name, reason: 'no memory' } : row)) }] }
  assert.match(markdown(missing), /Vitrine q8: left out\. no memory/)
  assert.match(compact(missing), new RegExp(`${model.title.replace(/[()]/g, '\\$&')} \\|.*\\| – \\|`))
  for (const part of ['startup', 'gemm', 'accuracy', 'profile']) {
    const made = markdown({ ...run, [part]: results[part] })
    assert.equal(made.match(/^### /gm).length, 1, part)
    assert.ok(compact({ ...run, [part]: results[part] }).startsWith('Measured'), part)
  }
})

test("a profile tells attention's products from those of layers", () => {
  // Each function with its callers, the outermost first; of Go's only numbers are known, and
  // the browser may put a kernel's import into its caller.
  const nodes = []
  const samples = []
  const sample = (count, ...names) => {
    let parent
    for (const name of names) {
      const url = /^\d+$/.test(name) ? 'http://host/js/vitrine.wasm' : ''
      const node = { id: nodes.length + 1, callFrame: { functionName: name, url }, children: [] }
      parent?.children.push(node.id)
      nodes.push(node)
      parent = node
    }
    samples.push(...Array(count).fill(parent.id))
  }
  sample(2, '1', '7', 'imports', 'softmax')
  sample(5, '1', '7', '8', 'imports', 'linear_f32', 'tile_f32')
  sample(30, '1', '20', '8', 'imports', 'linear_f32', 'tile_f32')
  sample(40, '1', '21', '9', 'imports', 'linear_q8', 'tile_q8')
  sample(3, '1', '21', '9', 'imports', 'linear_q8', 'finish_tile', 'activate')
  sample(6, '1', '20')
  sample(3, '1', 'sum', 'add')
  sample(1, '1', 'sum')
  sample(1, 'postMessage')
  sample(4, '1', 'call')
  sample(5, '(idle)')
  const shares = sharesOf({ nodes, samples, timeDeltas: samples.map(() => 500) })
  const expected = { 'products of layers': 70, 'products of attention': 5, softmax: 2, activations: 3, Go: 6, messages: 5, 'scripts and calls': 4, waiting: 5 }
  for (const [kind, share] of Object.entries(shares)) assert.equal(Math.round(100 * share), expected[kind] ?? 0, kind)
})
