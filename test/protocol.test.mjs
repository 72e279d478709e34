// The comments that describe a protocol are the same on both sides, and name the
// messages and functions that the code has.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const read = (path) => readFileSync(root + path, 'utf8')
const filesIn = (folder, extension) => readdirSync(root + folder, { recursive: true }).map((name) => `${folder}/${name}`).filter((name) => name.endsWith(extension))
const scripts = filesIn('js', '.js')
const goFiles = filesIn('wasm', '.go')

/** The two files that describe each protocol, by the heading of the description. */
const protocols = {
  "Messages between the page and the model's worker": ['js/page/connection.js', 'js/worker/worker.js'],
  "Messages between the model's worker and a share worker": ['js/shares/shares.js', 'js/shares/share-worker.js'],
  'Functions between a worker and vitrine.wasm': ['js/common/engine.js', 'wasm/main.go'],
  "Functions that Go calls in the model's worker, for the other shares": ['js/shares/shares.js', 'wasm/shares.go'],
  'Functions that Go calls in a share worker': ['js/shares/share-worker.js', 'wasm/share.go'],
}

/**
 * The descriptions in a file, {heading: text}: a line "// # Heading" and the comment
 * after it, up to the next heading. Lines lose their indentation, which gofmt chooses.
 */
function descriptions(path) {
  const found = {}
  let heading = null
  for (const line of read(path).split('\n')) {
    const [, start] = line.match(/^\/\/ # (.*)/) ?? []
    if (start) found[(heading = start)] = ''
    else if (!line.startsWith('//')) heading = null
    else if (heading) found[heading] += line.slice(2).trim() + '\n'
  }
  return Object.fromEntries(Object.entries(found).map(([heading, text]) => [heading, text.trim()]))
}

/** The names at the beginnings of a description's lines after a line that ends with begin, up to a line without one. */
function names(description, begin) {
  const lines = description.split('\n')
  const start = lines.findIndex((line) => line.endsWith(begin)) + 1
  assert.ok(start > 0, `no line ends with "${begin}"`)
  const found = []
  for (const line of lines.slice(start)) {
    const [, name] = line.match(/^(\w+)(?:\(|\s+\{)/) ?? []
    if (name) found.push(name)
    else if (line) break
  }
  return sorted(found)
}

const sorted = (list) => [...new Set(list)].sort()
const matches = (paths, pattern) => sorted(paths.flatMap((path) => [...read(path).matchAll(pattern)].map(([, name]) => name)))

test('both sides of a protocol describe it in the same words', () => {
  const places = {}
  for (const path of [...scripts, ...goFiles]) {
    for (const [heading, text] of Object.entries(descriptions(path))) (places[heading] ??= []).push({ path, text })
  }
  assert.deepEqual(Object.keys(places).sort(), Object.keys(protocols).sort())
  for (const [heading, paths] of Object.entries(protocols)) {
    const [one, two, ...more] = places[heading]
    assert.deepEqual(sorted([one.path, two.path]), sorted(paths), heading)
    assert.deepEqual(more, [], heading)
    assert.equal(one.text, two.text, `"${heading}" differs in ${one.path} and ${two.path}`)
  }
})

test('descriptions of messages name what is sent and what is received', () => {
  const all = (folder) => scripts.filter((path) => path.startsWith(folder))
  const page = ['js/vitrine.js', ...all('js/page/')]
  const worker = ['js/common/failure.js', ...all('js/worker/')]
  const share = ['js/common/failure.js', 'js/shares/share-worker.js']
  for (const [index, begin, senders, receivers] of [
    [0, 'page → worker', page, ['js/worker/worker.js']],
    [0, 'worker → page', worker, page],
    [1, "model's worker → share worker", ['js/shares/shares.js'], ['js/shares/share-worker.js']],
    [1, "share worker → model's worker", share, ['js/shares/shares.js']],
  ]) {
    const [heading, [path]] = Object.entries(protocols)[index]
    const described = names(descriptions(path)[heading], begin)
    assert.deepEqual(matches(senders, /\{ type: '(?!module)(\w+)'/g), described, `sent, ${begin}`)
    // share-worker.js tells files from chunks by hand; switches name all others.
    assert.deepEqual(matches(receivers, /case '([a-z]\w*)':/g), described, `received, ${begin}`)
  }
})

test('descriptions of functions name what Go calls, imports and exports', () => {
  const [engine, shares, share] = Object.entries(protocols).slice(2).map(([heading, [path]]) => descriptions(path)[heading])
  const called = sorted([
    ...names(engine, 'Go calls its methods:'), ...names(shares, '(common/engine.js):'), ...names(share, '(common/engine.js):'),
  ])
  assert.deepEqual(matches(goFiles, /\bhost\.(?:Call|Get)\("(\w+)"/g), called)
  assert.deepEqual(matches(goFiles, /^\/\/go:wasmimport vitrine (\w+)/gm), names(engine, 'Go imports:'))
  assert.deepEqual(matches(goFiles, /^\/\/go:wasmexport (\w+)/gm), names(engine, 'calls the exports:'))
  const methods = /methods\(\) \{[^[]*\[([^\]]*)\]/.exec(read('js/shares/shares.js'))[1]
  assert.deepEqual(sorted([...methods.matchAll(/'(\w+)'/g)].map(([, name]) => name)), names(shares, '(common/engine.js):'))
})
