// See go_js_exec. The steps are those of go_js_wasm_exec of the Go distribution,
// with the kernels' imports added and connected before the program runs.
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { createKernels } from '../js/common/kernels.js'
import './webgpu_node.mjs'

const [file, ...rest] = process.argv.slice(2)
if (!file) {
  console.error('usage: go_js_exec program.wasm [arguments]')
  process.exit(1)
}

Object.assign(globalThis, { require: createRequire(import.meta.url), fs, path })
const root = process.env.GOROOT || execFileSync('go', ['env', 'GOROOT'], { encoding: 'utf8' }).trim()
require(path.join(root, 'lib/wasm/wasm_exec.js'))

const go = new Go()
go.argv = [file, ...rest]
go.env = { TMPDIR: os.tmpdir(), ...process.env }
go.exit = process.exit
const kernels = createKernels()
go.importObject.kern = kernels.imports
const { instance } = await WebAssembly.instantiate(fs.readFileSync(file), go.importObject)
const report = await kernels.connect(instance.exports.mem, process.env.VITRINE_KERNEL || 'all', (name) =>
  readFile(new URL(`../engine/kernel/simd/${name}`, import.meta.url)))
if (Object.keys(report.refused).length > 0) {
  // Tests that run without a set would not notice that it is broken.
  for (const [name, reason] of Object.entries(report.refused)) console.error(`the ${name} kernels don't work here: ${reason}`)
  process.exit(1)
}

process.on('exit', (code) => {
  // Nothing is pending any more: let Go print the deadlock and its stacks.
  if (code === 0 && !go.exited) {
    go._pendingEvent = { id: 0 }
    go._resume()
  }
})
await go.run(instance)
