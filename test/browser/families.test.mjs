// Every golden model in a real browser: its results for pictures are those of upstream. The
// cases are those of the tree, and those of the folders that VITRINE_GOLDEN names
// (testdata/golden/README.md).

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { folders, pages } from './page.mjs'

const open = pages()

/** Paths on the server to folders of models. */
const named = (process.env.VITRINE_GOLDEN ?? '').split(':').filter(Boolean).map((folder) => resolve(folders.testdata, '..', folder))
const sets = Object.fromEntries([`${folders.testdata}/golden`, ...named].map((folder, i) => [`/golden${i}/`, `${folder}/models`]).filter(([, folder]) => existsSync(folder)))

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
  ['main', 'pre_logits'],
  ['features', 'image_features'],
  ['default', 'image_features'],
  ['full', 'image_features'],
  ['main', 'image_features'],
  ['main', 'pooler_output'],
  ['main', 'image_embeds'],
  ['main', 'vision_model_output.last_hidden_state'],
]

/** Makes the call of the model's family; runs in the page. */
async function answer({ folder, picture, output, options }) {
  const model = await vitrine.load(folder)
  const image = `${folder}/images/img_${picture}.png`
  try {
    if (model.info.tasks.includes('visualTokens')) return { values: [...(await model.visualTokens(image, options)).data] }
    if (output.endsWith('last_hidden_state')) { // class token first
      return { values: [...(await model.features(image)).data], prefix: model.info.shapes.prefix * model.info.shapes.width }
    }
    if (output !== 'logits') return { values: [...(await model.embedImage(image, { normalize: output === 'image_embeds' })).embedding] }
    const { classes } = await model.classify(image, { topK: model.info.classes })
    classes.sort((a, b) => a.index - b.index)
    return { values: classes.map((c) => c.logit), scores: classes.map((c) => c.score) }
  } finally {
    model.close()
  }
}

/** Loads a model that has no picture tower, and gives what it can do; runs in the page. */
async function textTasks(folder) {
  const model = await vitrine.load(folder)
  try {
    return { tasks: model.info.tasks, refused: await failure(model.embedImage({ data: new Uint8Array(4), width: 1, height: 1 })) }
  } finally {
    model.close()
  }
}

test('every golden model gives the values of upstream in a browser', async () => {
  const page = await open({ mounts: sets })
  const cases = Object.entries(sets).flatMap(([path, folder]) => readdirSync(folder).map((name) => ({ name, url: `.${path}${name}`, folder: `${folder}/${name}` })))
  assert.ok(cases.length > 20, `${cases.length} models`)
  for (const { name, url, folder } of cases) {
    const { runs } = JSON.parse(readFileSync(`${folder}/expected.json`))
    if (Object.values(runs).every(({ images }) => !images?.length)) {
      const { tasks, refused } = await page.evaluate(textTasks, url)
      assert.deepEqual(tasks, ['embedText', 'embedTexts', 'tokenize'], name)
      assert.equal(refused.code, 'task', name)
      continue
    }
    const [run, output] = outputs.find(([run, output]) => runs[run]?.outputs[output]) ?? assert.fail(`${name} has no output that a call gives`)
    const [picture] = runs[run].images
    const options = run === 'full' ? { layers: [-1], strategy: 'full' } : {}
    const got = await page.evaluate(answer, { folder: url, picture, output, options })
    const want = firstRow(`${folder}/expected.safetensors`, `${run}.out.${output}`).slice(got.prefix ?? 0)
    assert.equal(got.values.length, want.length, name)
    const scale = Math.max(...want.map(Math.abs))
    const worst = Math.max(...want.map((v, i) => Math.abs(v - got.values[i])))
    assert.ok(worst <= tolerance * scale, `${name}: ${worst / scale} of the scale`)
    const { scores } = runs[run]
    if (scores) assert.ok(scores[0].every((score, i) => Math.abs(score - got.scores[i]) <= tolerance), `${name}: the scores are ${got.scores}, want ${scores[0]}`)
  }
})
