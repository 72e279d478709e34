// The browser's decoder and js/worker/pixels.js give the pixels of Pillow, bit for bit.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { folders, pages } from './page.mjs'

const open = pages()

/** Where a set of pictures lies here. */
const folderOf = (set) => folders[set.split('/')[0]] + set.slice(set.indexOf('/'))

/** The tree's own set, and a larger one where it lies beside the checkout. */
const sets = ['testdata/golden/preprocess', ...['shared/fixtures/preprocess'].filter((set) => existsSync(folderOf(set)))]

for (const set of sets) {
  const folder = folderOf(set)
  test(`the pixels of ${set} are Pillow's, opaque and with alpha`, async () => {
    const page = await open()
    const { inputs } = JSON.parse(readFileSync(`${folder}/manifest.json`))
    const want = Object.entries(inputs)
      .filter(([name]) => existsSync(`${folder}/inputs/${name}.png`))
      .map(([name, { rgb_sha256: sum, mode }]) => ({ name, sum, mode, url: `/${set}/inputs/${name}.png` }))
    assert.ok(want.some(({ mode }) => mode.endsWith('A')) && want.some(({ mode }) => mode === 'RGB'))
    const got = await page.evaluate(async (want) => {
      const { decode } = await import('/sources/worker/pixels.js')
      const { snapshot } = await import('/sources/page/image.js')
      const sum = async ({ data, width, height }) => {
        const rgb = new Uint8Array(3 * width * height)
        for (let i = 0, j = 0; i < data.length; i += 4, j += 3) rgb.set(data.subarray(i, i + 3), j)
        const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', rgb))
        return [...hash].map((b) => b.toString(16).padStart(2, '0')).join('')
      }
      const got = []
      for (const { name, url } of want) {
        const blob = await (await fetch(url)).blob()
        const img = new Image()
        img.src = url
        const kinds = {
          blob: await decode(blob),
          'blob in small tiles': await decode(blob, { tile: 100 }),
          img: await decode((await snapshot(img)).bitmap),
          'data: URL': await decode((await snapshot(await new Promise((resolve) => {
            const reader = new FileReader()
            reader.onload = () => resolve(reader.result)
            reader.readAsDataURL(blob)
          }))).bitmap),
        }
        for (const [kind, decoded] of Object.entries(kinds)) got.push({ name, kind, sum: await sum(decoded), inexact: decoded.inexact })
      }
      return got
    }, want)
    for (const { name, kind, sum, inexact } of got) {
      assert.equal(sum, want.find((w) => w.name === name).sum, `${name} as ${kind}`)
      assert.equal(inexact, '', `${name} as ${kind}`)
    }
    assert.equal(got.length, 4 * want.length)
  })
}

test('without WebGL2 pictures with alpha are decoded and reported as inexact', async () => {
  const page = await open()
  const result = await page.evaluate(async () => {
    OffscreenCanvas.prototype.getContext = ((get) => function (kind, ...rest) {
      return kind === 'webgl2' ? null : get.call(this, kind, ...rest)
    })(OffscreenCanvas.prototype.getContext)
    const { decode } = await import('/sources/worker/pixels.js')
    const blob = await (await fetch('/testdata/golden/preprocess/inputs/gray_alpha_80x60.png')).blob()
    const { data, width, height, inexact } = await decode(blob)
    return { length: data.length, width, height, inexact }
  })
  assert.deepEqual({ ...result, inexact: '' }, { length: 80 * 60 * 4, width: 80, height: 60, inexact: '' })
  assert.match(result.inexact, /WebGL2/)
})

test('a browser that hides pixels is detected, and small noise is reported as inexact', async () => {
  for (const [level, sign] of [[1, 'noise'], [100, 'hides']]) {
    const page = await open()
    const said = await page.evaluate(async (level) => {
      const get = OffscreenCanvasRenderingContext2D.prototype.getImageData
      OffscreenCanvasRenderingContext2D.prototype.getImageData = function (...args) {
        const image = get.apply(this, args)
        image.data[5] ^= level
        return image
      }
      const { decode } = await import('/sources/worker/pixels.js')
      const blob = await (await fetch('/testdata/golden/preprocess/inputs/tiny_20x13.png')).blob()
      return decode(blob).then(({ inexact }) => inexact, (error) => `${error.code}: ${error.message}`)
    }, level)
    assert.match(said, new RegExp(sign))
  }
})
