// One model of each family in a real browser: its results for pictures are those of
// upstream.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { folders, needs, pages } from './page.mjs'

const open = pages()
const cases = folders.shared + '/fixtures/models/'

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

// The tensor of upstream for each case, which the call of the family gives for the first picture.
const families = {
  vit_image_classification: 'main.out.logits',
  vit_model_pooler: 'main.out.pooler_output',
  clip_new_eos: 'features.out.image_features',
  siglip: 'features.out.image_features',
  siglip2_fixres: 'features.out.image_features',
  siglip2_naflex: 'features.out.image_features',
  siglip_image_classification: 'main.out.logits',
  dinov2: 'main.out.pooler_output',
  dinov2_with_registers: 'main.out.pooler_output',
  dinov3_vit: 'main.out.pooler_output',
  llava_clip_projector: 'default.out.image_features',
}

/** Makes the call of the model's family; runs in the page. */
async function answer({ folder, picture, tensor }) {
  const model = await vitrine.load(folder)
  const image = `${folder}/images/img_${picture}.png`
  try {
    if (model.info.tasks.includes('visualTokens')) return [...(await model.visualTokens(image)).data]
    if (!tensor.endsWith('logits')) return [...(await model.embedImage(image, { normalize: false })).embedding]
    const { classes } = await model.classify(image, { topK: model.info.classes })
    return classes.sort((a, b) => a.index - b.index).map((c) => c.logit)
  } finally {
    model.close()
  }
}

test('every family gives the values of upstream in a browser', needs(cases), async () => {
  const page = await open()
  for (const [name, tensor] of Object.entries(families)) {
    const { runs } = JSON.parse(readFileSync(`${cases}${name}/expected.json`))
    const [picture] = runs[tensor.split('.out.')[0]].images
    const got = await page.evaluate(answer, { folder: `./shared/fixtures/models/${name}`, picture, tensor })
    const want = firstRow(`${cases}${name}/expected.safetensors`, tensor)
    assert.equal(got.length, want.length, name)
    const scale = Math.max(...want.map(Math.abs))
    const worst = Math.max(...want.map((v, i) => Math.abs(v - got[i])))
    assert.ok(worst <= tolerance * scale, `${name}: ${worst / scale} of the scale`)
  }
})
