// The accuracy of int8, on trained models: random weights hide its losses.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onnxOf } from './models.mjs'
import { agreement } from './turns.mjs'
import { zoo } from './zoo.mjs'

const half = [0.5, 0.5, 0.5]

const vitrine = [
  { name: 'Vitrine f32, plain SIMD', options: { kernels: 'plain' } },
  { name: 'Vitrine f16', options: { dtype: 'f16' } },
  { name: 'Vitrine q8', options: { dtype: 'q8' } },
  { name: 'Vitrine q8, plain SIMD', options: { dtype: 'q8', kernels: 'plain' } },
]

/** Rows {model, what, name, count, mean, least, worst, top}: cosines to Vitrine f32, and how often the best answer is the same. */
export async function measureAccuracy(browser, places) {
  const tiny = join(places.root, zoo['vit-tiny'].folder)
  return [...(existsSync(tiny) ? await classifier(browser, places, tiny) : []), ...(await embedded(browser, places))]
}

/** The trained ViT-Tiny: eight views of each of its pictures. */
async function classifier(browser, places, folder) {
  const pictures = readdirSync(join(folder, 'reference')).filter((file) => file.endsWith('.png'))
  const inputs = pictures.flatMap((file) => [0, 1, 2, 3, 4, 5, 6, 7].map((view) => ({ picture: `/model/reference/${file}`, view, size: 224, mean: half, std: half })))
  const files = onnxOf('vit-tiny', folder, 'vision', places)
  const outputs = await collect(browser, places, folder, files.q8, inputs, inputs)
  const best = ({ logits }) => logits.indexOf(Math.max(...logits))
  return ['embedding', 'logits'].flatMap((what) => rowsOf('ViT-Tiny/16', what, outputs, (o) => o[what], best))
}

/** The embedded CLIP: its drawings, and their labels. */
async function embedded(browser, places) {
  const folder = join(places.root, 'site/models/emoji-clip')
  const { labels, pictures, token_ids: tokens } = JSON.parse(readFileSync(join(folder, 'reference.json')))
  const inputs = pictures.map(({ file }) => ({ picture: `/model/${file}`, view: 0, size: 64, mean: half, std: half }))
  const length = Math.max(...labels.map((label) => tokens[label].length))
  const images = await collect(browser, places, folder, onnxOf('emoji-clip', folder, 'vision', places).q8, inputs, inputs)
  const texts = await collect(browser, places, folder, onnxOf('emoji-clip', folder, 'text', places, length).q8,
    labels.map((label) => ({ texts: [label] })), labels.map((label) => ({ ids: [[...tokens[label], ...Array(length - tokens[label].length).fill(0)]] })))
  const nearest = ({ embedding }, name) => {
    const cosines = texts[name].map((text) => agreement(embedding, text.embedding).cosine)
    return cosines.indexOf(Math.max(...cosines))
  }
  return [...rowsOf('emoji-clip', 'picture', images, (o) => o.embedding, nearest), ...rowsOf('emoji-clip', 'label', texts, (o) => o.embedding)]
}

/** {name: outputs} of all contestants; 'f32' is the reference. */
async function collect(browser, places, folder, onnx, inputs, theirs) {
  const outputs = {}
  const all = [{ name: 'f32', options: {} }, ...vitrine].map(({ name, options }) => ({
    name, inputs, script: 'vitrine', job: { options: { device: 'simd', workers: 1, ...options }, input: inputs[0] }, mounts: { '/model/': folder, '/js/': places.js },
  }))
  all.push({ name: 'ort q8', inputs: theirs, script: 'ort', job: { threads: 1, input: theirs[0] }, mounts: { '/model/': folder, '/ort/': places.ort, '/model.onnx': onnx } })
  for (const { name, inputs, ...entry } of all) {
    const page = await browser.open(entry)
    outputs[name] = await page.call('outputs', inputs)
    await page.close()
  }
  return outputs
}

function rowsOf(model, what, { f32, ...others }, pick, best) {
  return Object.entries(others).map(([name, outputs]) => {
    const found = outputs.map((o, i) => agreement(pick(o), pick(f32[i])))
    const cosines = found.map((a) => a.cosine)
    return {
      model, what, name,
      count: outputs.length,
      mean: cosines.reduce((a, b) => a + b) / cosines.length,
      least: Math.min(...cosines),
      worst: Math.max(...found.map((a) => a.worst)),
      top: best && outputs.filter((o, i) => best(o, name) === best(f32[i], 'f32')).length,
    }
  })
}
