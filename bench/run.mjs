// Measures Vitrine beside its peers, in one browser. ./build.sh bench calls it. BENCH is
// the folder of what was built for it, GLUE that of wasm_exec.js. A full run, without
// options, writes last.json, last.md and the README's table. A run with options prints its
// table, and writes partial.json in BENCH.

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measureAccuracy } from './accuracy.mjs'
import { againstTable, measureAgainst } from './against.mjs'
import { startBrowser } from './browser.mjs'
import { measureGemm } from './gemm.mjs'
import { measureTower } from './models.mjs'
import { profile } from './profile.mjs'
import { measureStartup } from './startup.mjs'
import { markdown } from './table.mjs'
import { keep } from './tables.mjs'
import { measureWebGPU } from './webgpu.mjs'
import { folderOf, zoo } from './zoo.mjs'

const usage = `usage: ./build.sh bench [--quick] [--models ${Object.keys(zoo).join(',')}] [--parts models,accuracy,gemm,startup,profile,webgpu] [--turns N] [--against DIST]
--against measures this build beside another one alone: DIST is the folder dist of that build.
Without options, last.json, last.md and the README's table are written; with them, the table is printed only.`
const { values: options } = parseArgs({ options: { quick: { type: 'boolean' }, models: { type: 'string' }, parts: { type: 'string' }, turns: { type: 'string' }, against: { type: 'string' }, help: { type: 'boolean' } } })
if (options.help) {
  console.log(usage)
  process.exit()
}
const list = (given, all, standard = all) => {
  const names = given?.split(',') ?? standard
  for (const name of names) if (!all.includes(name)) throw new Error(`bench: there is no ${name}\n${usage}`)
  return names
}
const models = list(options.models, Object.keys(zoo), options.quick ? ['vit-tiny', 'clip-base'] : undefined)
const all = ['models', 'accuracy', 'gemm', 'startup', 'profile', 'webgpu']
const parts = list(options.parts, all, options.quick ? all.filter((part) => part !== 'webgpu') : undefined)
const turns = Number(options.turns ?? (options.quick ? 5 : 11))
if (!(Number.isInteger(turns) && turns > 0)) throw new Error(`bench: --turns is a whole number from 1\n${usage}`)

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '..')
const stamp = createHash('sha256')
for (const file of ['zoo.mjs', 'onnx.mjs', 'safetensors.mjs']) stamp.update(readFileSync(join(here, file)))
const made = join(process.env.BENCH, stamp.digest('hex').slice(0, 10))
const places = {
  root, js: join(root, 'dist/js'), sources: join(root, 'js'), go: process.env.GLUE, modules: here + 'node_modules/', ort: here + 'node_modules/onnxruntime-web/dist',
  gemm: join(process.env.BENCH, 'gemm.wasm'), onnx: join(made, 'onnx'), models: join(made, 'models'), packed: join(made, 'packed'),
}
for (const folder of [places.onnx, places.models]) mkdirSync(folder, { recursive: true })

const say = (what) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${what}\n`)
const installed = JSON.parse(readFileSync(here + 'package.json')).devDependencies
const browser = await startBrowser()
const results = {
  date: new Date().toISOString().slice(0, 10),
  machine: `${cpus().length} × ${cpus()[0].model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}`,
  browser: browser.version,
  version: readFileSync(join(places.js, 'vitrine.js'), 'utf8').match(/version ?= ?["']([^"']+)/)[1],
  peers: ['onnxruntime-web', '@tensorflow/tfjs-backend-wasm', '@jax-js/jax'].map((name) => `${name} ${installed[name]}`).join(', '),
  turns,
}
if (options.against) {
  const rows = await measureAgainst(browser, places, options.against, { models, turns, say }).finally(() => browser.close())
  console.log(againstTable(rows))
  process.exit()
}
try {
  if (parts.includes('startup')) {
    say('startup')
    results.startup = await measureStartup(browser, places, options.quick ? 3 : turns)
  }
  if (parts.includes('gemm')) {
    say('gemm')
    results.gemm = await measureGemm(browser, places, turns)
  }
  if (parts.includes('accuracy')) {
    say('accuracy')
    results.accuracy = await measureAccuracy(browser, places)
  }
  if (parts.includes('profile')) {
    results.profile = []
    for (const name of models) {
      const folder = folderOf(name, root, places.models)
      for (const options of folder ? [{ dtype: 'f32' }, { dtype: 'q8' }, { dtype: 'f32', workers: 2 }] : []) {
        const title = `${zoo[name].title} ${options.dtype}${options.workers ? `, ${options.workers} workers` : ''}`
        say(`profile of ${title}`)
        results.profile.push({ name: title, ...await profile(browser, places, { folder, options, pictures: 5 }) })
      }
    }
  }
  if (parts.includes('models')) {
    results.models = []
    results.absent = []
    for (const name of models) {
      const folder = folderOf(name, root, places.models)
      if (!folder) results.absent.push(zoo[name].title)
      for (const tower of folder ? zoo[name].towers : []) {
        const title = zoo[name].title + (tower === 'text' ? ', text' : '')
        const measured = await measureTower(browser, places, { name, folder, tower, turns, slowTurns: options.quick ? 1 : 3, say: (what) => say(`${title}, ${what}`) })
        results.models.push({ title, ...measured })
      }
    }
  }
} finally {
  await browser.close()
}
if (parts.includes('webgpu')) results.webgpu = await measureWebGPU(places, { models, turns, say: (what) => say(`WebGPU, ${what}`) })
if (Object.keys(options).length === 0) keep(results)
else writeFileSync(join(process.env.BENCH, 'partial.json'), JSON.stringify(results, null, 1) + '\n')
process.stdout.write(markdown(results))
