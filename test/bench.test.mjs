// What the bench writes: it must be what its tables make of the last full run.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { compact } from '../bench/compact.mjs'
import { markdown } from '../bench/table.mjs'
import { lastResults, tablesOf } from '../bench/tables.mjs'

test('last.md and the README are what the tables make of last.json', async () => {
  for (const [path, text] of tablesOf(lastResults())) {
    assert.equal(await readFile(path, 'utf8'), text, `${path} is not current: run node bench/tables.mjs`)
  }
})

test("a run of some parts has their tables, and what could not run its reason", () => {
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
