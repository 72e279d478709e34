// Runs the Go tests of a package in a page, with the GPU, driver and shader compiler of
// the browser.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The flags with which Chromium offers its software adapter. */
export const softwareGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan']

/**
 * Runs the tests of a package in a page. open is the function of pages (page.mjs); name
 * is the folder of the package; args are flags of go test. folders maps paths of the
 * server to the folders that the tests read: {'/testdata/golden': folder}. For the tests
 * they lie beside go.mod. Resolves to {code, said}:
 * the exit status and the lines printed.
 */
export async function runGoTests(open, name, args, folders = {}) {
  const page = await open({ script: false, pages: { '/go.test.wasm': { type: 'application/wasm', body: compiled(name) } } })
  const said = []
  page.on('console', (message) => said.push(...message.text().split('\n')))
  const files = Object.entries(folders).flatMap(([path, folder]) => filesIn(folder).map((file) => `${path}/${file}`))
  const code = await page.evaluate(async ({ name, args, files }) => {
    await import('/go/wasm_exec.js')
    const { createKernels } = await import('/sources/common/kernels.js')
    const { openDevice } = await import('/js/webgpu.js')
    globalThis.openDevice = () => openDevice()

    const contents = new Map([['/checkout/go.mod', new Uint8Array()]])
    await Promise.all(files.map(async (path) => {
      const bytes = await (await fetch(path)).bytes()
      contents.set(`/checkout${path}`, bytes)
    }))
    const folders = new Map() // path → names of the files and folders in it
    for (const path of contents.keys()) {
      const names = path.split('/')
      for (let i = 1; i < names.length; i++) {
        const folder = names.slice(0, i).join('/') || '/'
        folders.set(folder, (folders.get(folder) ?? new Set()).add(names[i]))
      }
    }
    const here = `/checkout/${name}`
    const resolved = (path) => decodeURI(new URL(path, `file://${here}/`).pathname).replace(/(.)\/$/, '$1')
    const opened = new Map() // file descriptor → {path, position}
    let next = 100
    const answer = (done, path, value) => (contents.has(path) || folders.has(path) ? done(null, value()) : done(Object.assign(new Error(path), { code: 'ENOENT' })))
    const about = (path) => ({
      dev: 0, ino: 0, nlink: 1, uid: 0, gid: 0, rdev: 0, blksize: 4096, blocks: 0, atimeMs: 0, mtimeMs: 0, ctimeMs: 0,
      mode: folders.has(path) ? 0o40755 : 0o100644, size: contents.get(path)?.length ?? 0, isDirectory: () => folders.has(path),
    })
    const stat = (path, done) => answer(done, resolved(path), () => about(resolved(path)))
    Object.assign(process, { cwd: () => here })
    Object.assign(fs, {
      constants: { ...fs.constants, O_DIRECTORY: 0 }, // -1 makes Go take this for Windows, where it opens no folders
      stat, lstat: stat,
      open: (path, flags, mode, done) => answer(done, resolved(path), () => {
        opened.set(next, { path: resolved(path), position: 0 })
        return next++
      }),
      fstat: (fd, done) => done(null, about(opened.get(fd).path)),
      readdir: (path, done) => answer(done, resolved(path), () => [...folders.get(resolved(path))]),
      read(fd, buffer, offset, length, position, done) {
        const file = opened.get(fd)
        const start = position ?? file.position
        const bytes = contents.get(file.path).subarray(start, start + length)
        buffer.set(bytes, offset)
        if (position === null) file.position += bytes.length
        done(null, bytes.length)
      },
      close(fd, done) {
        opened.delete(fd)
        done(null)
      },
    })

    const go = new Go()
    go.argv = [`${name}.test`, '-test.v', ...args]
    go.importObject.kern = createKernels().imports
    const { instance } = await WebAssembly.instantiateStreaming(fetch('/go.test.wasm'), go.importObject)
    return new Promise((resolve) => {
      go.exit = (code) => {
        go._resume = () => {} // timers and callbacks that are still to come find nobody
        resolve(code)
      }
      go.run(instance)
    })
  }, { name, args, files })
  return { code, said }
}

/** Asserts that Go tests ran on the browser's own WebGPU, and that none was skipped. */
export function assertOnGPU(said) {
  const devices = said.filter((line) => line.includes('device: '))
  assert.ok(devices.length > 0, said.join('\n'))
  assert.deepEqual(devices.filter((line) => !/swiftshader/i.test(line)), [])
  assert.deepEqual(said.filter((line) => line.includes('--- SKIP')), [])
}

/** The bytes of a package's tests, compiled to WebAssembly. */
function compiled(name) {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-'))
  try {
    const file = join(folder, 'go.test.wasm')
    execFileSync('go', ['test', '-c', '-o', file, `./${name}`], { cwd: root, env: { ...process.env, GOOS: 'js', GOARCH: 'wasm' } })
    return readFileSync(file)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The paths of all files in a folder and its subfolders. */
const filesIn = (folder) => readdirSync(folder, { recursive: true }).filter((name) => statSync(join(folder, name)).isFile())
