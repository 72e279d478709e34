// Every golden model in a real browser: its results for pictures are those of upstream.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { folders, pages } from './page.mjs'

const open = pages()
const cases = folders.testdata + '/golden/models/'

/** The largest difference that float32 may make, over the scale (testdata/golden/README.md). */
const tolerance = 2e-4

/** Row 0 of a float32 tensor in a safetensors file. */
function firstRow(path, name) {
  const file = readFileSync(path)
  const start = 8 + Number(file.readBigUInt64LE())
  const { shape, data_offsets: [from, to] } = JSON.parse(file.subarray(8, start))[name]
  const values = new Float32Array(new Uint8Array(file.subarray(start + from, start + to)).buffer)
  return [...values.subarray(0, values.length / shape[0])]
}

/** [run, output] of expected.json that a call gives; the first one that a case has is compared. */
const outputs = [
  ['main', 'logits'],
  ['features', 'image_features'],
  ['default', 'image_features'],
  ['full', 'image_features'],
  ['main', 'pooler_output'],
  ['main', 'image_embeds'],
]

/** Makes the call of the model's family; runs in the page. */
async function answer({ folder, picture, output, options }) {
  const model = await vitrine.load(folder)
  const image = `${folder}/images/img_${picture}.png`
  try {
    if (model.info.tasks.includes('visualTokens')) return [...(await model.visualTokens(image, options)).data]
    if (output !== 'logits') return [...(await model.embedImage(image, { normalize: output === 'image_embeds' })).embedding]
    const { classes } = await model.classify(image, { topK: model.info.classes })
    return classes.sort((a, b) => a.index - b.index).map((c) => c.logit)
  } finally {
    model.close()
  }
}

test('every golden model gives the values of upstream in a browser', async () => {
  const page = await open()
  const names = readdirSync(cases)
  assert.ok(names.length > 20, `${names.length} models`)
  for (const name of names) {
    const { runs } = JSON.parse(readFileSync(`${cases}${name}/expected.json`))
    const [run, output] = outputs.find(([run, output]) => runs[run]?.outputs[output]) ?? assert.fail(`${name} has no output that a call gives`)
    const [picture] = runs[run].images
    const options = run === 'full' ? { layers: [-1], strategy: 'full' } : {}
    const got = await page.evaluate(answer, { folder: `./testdata/golden/models/${name}`, picture, output, options })
    const want = firstRow(`${cases}${name}/expected.safetensors`, `${run}.out.${output}`)
    assert.equal(got.length, want.length, name)
    const scale = Math.max(...want.map(Math.abs))
    const worst = Math.max(...want.map((v, i) => Math.abs(v - got[i])))
    assert.ok(worst <= tolerance * scale, `${name}: ${worst / scale} of the scale`)
  }
})
