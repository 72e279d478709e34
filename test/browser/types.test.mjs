// vitrine.d.ts: the TypeScript compiler accepts it, and a program that uses all of it;
// it declares what the module exports.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { pages } from './page.mjs'

const open = pages()
const path = (name) => fileURLToPath(new URL('../../' + name, import.meta.url))

test('the types are valid, and a strict program can use them', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [path('node_modules/typescript/bin/tsc'), '-p', path('test/types')]).catch((error) => error)
  assert.equal(stdout, '')
})

test('the types declare what the module exports', async () => {
  const page = await open()
  const { exports, methods, info } = await page.evaluate(async () => {
    const model = await vitrine.load('./models/emoji-clip')
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(model)).filter((name) => name !== 'constructor')
    model.close()
    return { exports: Object.keys(vitrine), methods, info: model.info }
  })
  const types = readFileSync(path('js/vitrine.d.ts'), 'utf8')
  // The names of the members of a declaration that begins with these words.
  const members = (begin) => {
    const indent = types.match(new RegExp(`^( *)${begin} \\{`, 'm'))[1]
    const block = types.match(new RegExp(`^${indent}${begin} \\{\\n(.*?)^${indent}\\}`, 'ms'))[1]
    return [...block.matchAll(new RegExp(`^${indent}  (?:readonly )?(\\w+)[(:]`, 'gm'))].map((match) => match[1]).sort()
  }
  assert.deepEqual(exports.sort(), [...types.matchAll(/^export (?:const|function|class) (\w+)/gm)].map((match) => match[1]).sort())
  assert.deepEqual(methods.sort(), members('export interface Model'))
  assert.deepEqual(Object.keys(info).sort(), members('export interface Info'))
  for (const name of ['gpu', 'shapes', 'preprocess']) assert.deepEqual(Object.keys(info[name]).sort(), members(`readonly ${name}:`))
})
