// The results of a model in a real browser: the built dist/ on a plain static host,
// under the strict policy.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { folders, pages } from './page.mjs'

const open = pages()

const root = fileURLToPath(new URL('../../', import.meta.url))

const near = (got, want, by, what) => assert.ok(Math.abs(got - want) <= by, `${what}: ${got}, want ${want}`)

const emojiClip = root + 'site/models/emoji-clip'
const vitTiny = folders.shared + '/models/vit-tiny-imagenet'

test('the embedded model ranks its reference pictures as the reference does', async () => {
  const page = await open()
  const { labels, pictures, token_ids: ids, text_embedding_first_8: texts } = JSON.parse(readFileSync(emojiClip + '/reference.json'))
  const got = await page.evaluate(async ({ labels, files }) => {
    const model = await vitrine.load('./models/emoji-clip/')
    const got = { rankings: [], images: [] }
    for (const file of files) {
      got.rankings.push(await model.rank(`./models/emoji-clip/${file}`, labels))
      const { embedding } = await model.embedImage(`./models/emoji-clip/${file}`)
      got.images.push([...embedding.slice(0, 8)])
    }
    const { embeddings, truncated } = await model.embedText(labels)
    got.texts = embeddings.map((e) => [...e.slice(0, 8)])
    got.truncated = truncated
    got.tokens = await Promise.all(labels.map((label) => model.tokenize(label)))
    model.close()
    return got
  }, { labels, files: pictures.map(({ file }) => file) })
  pictures.forEach(({ file, ranking, image_embedding_first_8: embedding }, i) => {
    const found = got.rankings[i]
    assert.equal(found.method, 'softmax')
    assert.deepEqual(found.ranking.map((r) => r.label), ranking.map((r) => r.label), file)
    ranking.forEach((want, position) => {
      const row = found.ranking[position]
      assert.equal(labels[row.index], row.label)
      for (const key of ['similarity', 'score']) near(row[key], want[key], 1e-4, `${file} ${want.label} ${key}`)
      near(row.logit, want.logit, 1e-3, `${file} ${want.label} logit`)
    })
    embedding.forEach((want, k) => near(got.images[i][k], want, 1e-4, `${file} embedding ${k}`))
  })
  labels.forEach((label, i) => {
    texts[label].forEach((want, k) => near(got.texts[i][k], want, 1e-4, `${label} embedding ${k}`))
    assert.deepEqual(got.tokens[i].ids, ids[label])
    assert.equal(got.tokens[i].pieces.length, ids[label].length)
  })
  assert.ok(got.truncated.every((t) => t === false))
})

// The trained model lies beside the checkout, if at all.
if (existsSync(vitTiny)) test('ViT-Tiny names the classes of its pictures as the reference does', async () => {
  const page = await open()
  const reference = JSON.parse(readFileSync(vitTiny + '/reference/reference.json'))
  const got = await page.evaluate(async (names) => {
    const model = await vitrine.load('./shared/models/vit-tiny-imagenet')
    const got = {}
    for (const name of names) {
      const { classes, ms } = await model.classify(`./shared/models/vit-tiny-imagenet/reference/${name}_224.png`, { topK: 1000 })
      got[name] = { classes, ms }
    }
    model.close()
    return got
  }, Object.keys(reference))
  for (const [name, { top5, logits }] of Object.entries(reference)) {
    const { classes, ms } = got[name]
    assert.equal(classes.length, 1000)
    top5.forEach(([index, label, score], position) => {
      assert.equal(classes[position].index, index, `${name} ${position}`)
      assert.equal(classes[position].label.split(',')[0], label.split(',')[0])
      near(classes[position].score, score, 1e-3, `${name} ${label}`)
    })
    for (const { index, logit } of classes) near(logit, logits[index], 1e-3, `${name} class ${index}`)
    for (const step of ['decode', 'preprocess', 'encode']) assert.ok(ms[step] >= 0, step)
  }
})

test('every kind of image gives the same embedding and stays usable', async () => {
  const page = await open()
  const { answers, kept } = await page.evaluate(async () => {
    const model = await vitrine.load('./models/emoji-clip')
    const url = new URL('./testdata/golden/preprocess/inputs/graphic_400x400.png', location.href)
    const blob = await (await fetch(url)).blob()
    const img = new Image()
    img.src = url
    const bitmap = await createImageBitmap(blob)
    const canvas = Object.assign(document.createElement('canvas'), { width: 400, height: 400 })
    canvas.getContext('2d').drawImage(bitmap, 0, 0)
    const offscreen = new OffscreenCanvas(400, 400)
    offscreen.getContext('2d').drawImage(bitmap, 0, 0)
    const imageData = canvas.getContext('2d').getImageData(0, 0, 400, 400)
    const bytes = new Uint8Array(imageData.data)
    const frame = new VideoFrame(bitmap, { timestamp: 0 })
    const local = URL.createObjectURL(blob)
    const images = {
      img, canvas, offscreen, bitmap, imageData, blob, frame, local, file: new File([blob], 'x.png'), url, string: url.href,
      relative: './testdata/golden/preprocess/inputs/graphic_400x400.png', data: canvas.toDataURL(),
      rgba: { data: bytes, width: 400, height: 400 },
    }
    const answers = {}
    for (const [kind, image] of Object.entries(images)) answers[kind] = [...(await model.embedImage(image)).embedding]
    const kept = [bitmap.width, imageData.data.length, bytes.length, frame.codedWidth, offscreen.width, blob.size > 0]
    frame.close()
    model.close()
    return { answers, kept }
  })
  for (const [kind, answer] of Object.entries(answers)) assert.deepEqual(answer, answers.rgba, kind)
  assert.deepEqual(kept, [400, 640000, 640000, 400, 400, true])
})

test('the model gets the colours that a picture with alpha has in its file', async () => {
  const page = await open()
  const [file, plain] = await page.evaluate(async () => {
    const { decode } = await import('/sources/worker/pixels.js')
    const model = await vitrine.load('./models/emoji-clip')
    const url = './testdata/golden/preprocess/inputs/logo_rgba_500x500.png'
    const { data, width, height } = await decode(await (await fetch(url)).blob())
    for (let i = 3; i < data.length; i += 4) data[i] = 255
    const answers = [await model.embedImage(url), await model.embedImage({ data, width, height })]
    const exact = model.info.pixels
    model.close()
    if (exact !== 'exact') throw new Error(exact)
    return answers.map(({ embedding }) => [...embedding])
  })
  assert.deepEqual(file, plain)
})

test('a video frame is ranked', async () => {
  const page = await open()
  const labels = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 64 })
    const context = canvas.getContext('2d')
    const video = document.createElement('video')
    video.muted = true
    video.srcObject = canvas.captureStream()
    const ready = new Promise((resolve) => { video.onloadeddata = resolve })
    const draw = () => {
      context.fillStyle = '#fc0'
      context.fillRect(0, 0, 64, 64)
      if (video.readyState < 2) requestAnimationFrame(draw)
    }
    draw()
    await video.play()
    await ready
    const model = await vitrine.load('./models/emoji-clip')
    const { ranking } = await model.rank(video, ['sun', 'night'])
    model.close()
    return ranking.map(({ label }) => label).sort()
  })
  assert.deepEqual(labels, ['night', 'sun'])
})

test('preprocessed values give the embedding of their picture and stay usable', async () => {
  const page = await open()
  const result = await page.evaluate(async () => {
    const model = await vitrine.load('./models/emoji-clip')
    const [height, width] = model.info.shapes.image
    const grey = { data: new Uint8Array(4 * height * width).fill(128), width, height }
    const mean = [0.48145466, 0.4578275, 0.40821073]
    const std = [0.26862954, 0.26130258, 0.27577711]
    const config = await (await fetch('./models/emoji-clip/preprocessor_config.json')).json()
    const pixelValues = Float32Array.from({ length: 3 * height * width }, (_, i) => {
      const channel = Math.floor(i / (height * width))
      return (128 / 255 - (config.image_mean ?? mean)[channel]) / (config.image_std ?? std)[channel]
    })
    const [a, b] = [await model.embedImage(grey), await model.embedImage({ pixelValues, shape: [3, height, width] })]
    model.close()
    return { a: [...a.embedding], b: [...b.embedding], left: pixelValues.length }
  })
  result.a.forEach((v, i) => near(result.b[i], v, 1e-5, i))
  assert.ok(result.left > 0)
})

test('attention maps agree with each other', async () => {
  const page = await open()
  const result = await page.evaluate(async () => {
    const model = await vitrine.load('./models/emoji-clip')
    const image = './testdata/golden/preprocess/inputs/graphic_400x400.png'
    const { layers, heads, tokens } = model.info.shapes
    const stack = await model.attentionStack(image)
    const one = await model.attention(image, { layer: 1, head: 1 })
    const mean = await model.attention(image, { layer: 1 })
    const last = await model.attention(image)
    const full = await model.attention(image, { full: true })
    const rollout = await model.attention(image, { method: 'rollout' })
    model.close()
    const plain = (m) => ({ ...m, data: [...m.data] })
    return { layers, heads, tokens, stack: plain(stack), one: plain(one), mean: plain(mean), last: plain(last), full: plain(full), rollout: plain(rollout) }
  })
  const { layers, heads, tokens, stack, one, mean, last, full, rollout } = result
  const [rows, columns] = one.grid
  const n = rows * columns
  assert.deepEqual([stack.layers, stack.heads, stack.grid, stack.data.length], [layers, heads, one.grid, layers * heads * n])
  assert.deepEqual(one.data, stack.data.slice((heads + 1) * n, (heads + 2) * n))
  assert.deepEqual([one.layer, one.head, one.method], [1, 1, 'raw'])
  assert.deepEqual([mean.layer, mean.head, last.layer], [1, null, layers - 1])
  mean.data.forEach((v, i) => {
    let sum = 0
    for (let h = 0; h < heads; h++) sum += stack.data[(heads + h) * n + i]
    near(v, sum / heads, 1e-6, `mean ${i}`)
  })
  assert.equal(full.data.length, tokens * tokens)
  full.data.slice(1, tokens).forEach((v, i) => near(v, last.data[i], 1e-6, `row ${i}`))
  assert.equal(rollout.method, 'rollout')
  assert.ok(rollout.data.every((v) => v > 0) && rollout.data.reduce((a, b) => a + b) < 1)
})

test('relevance, features, colours and the trace have all their values', async () => {
  const page = await open()
  const r = await page.evaluate(async () => {
    const model = await vitrine.load('./models/emoji-clip')
    const image = './testdata/golden/preprocess/inputs/graphic_400x400.png'
    const labels = ['cat', 'key']
    const relevance = await model.relevance(image, labels, { method: 'contribution' })
    const { ranking } = await model.rank(image, labels)
    const dense = await model.relevance(image, labels)
    const features = await model.features(image, { layer: 0 })
    const colors = await model.colors(image)
    const trace = await model.trace(image)
    const { shapes } = model.info
    model.close()
    const plain = (map) => ({ ...map, data: [...map.data], contrast: [...map.contrast] })
    return {
      shapes, ranking, trace, relevance: relevance.maps.map(plain), dense: dense.maps.map(plain), method: dense.method,
      features: { ...features, data: features.data.length }, colors: { ...colors, data: [...colors.data] },
    }
  })
  const { width, grid: [rows, columns] } = r.shapes
  const n = rows * columns
  r.relevance.forEach((map) => {
    const { similarity } = r.ranking.find(({ label }) => label === map.label)
    near(map.data.reduce((a, b) => a + b, map.rest), similarity, 1e-5, map.label)
    assert.deepEqual([map.data.length, map.contrast.length, map.grid], [n, n, [rows, columns]])
  })
  assert.deepEqual(r.relevance.map(({ label }) => label), ['cat', 'key'])
  assert.deepEqual([r.method, r.dense[0].rest], ['dense', null])
  assert.deepEqual([r.features.data, r.features.shape, r.features.grid], [n * width, [n, width], [rows, columns]])
  assert.equal(r.colors.data.length, 3 * n)
  assert.ok(r.colors.data.every((v) => v >= 0 && v <= 1))
  assert.equal(r.colors.explained.length, 3)
  assert.ok(r.trace.length > 4)
  for (const { stage, shape, ms } of r.trace) assert.ok(stage && shape.every(Number.isInteger) && ms >= 0, stage)
})

test('half floats and int8 stay close to float32', async () => {
  const page = await open()
  const r = await page.evaluate(async () => {
    const image = './testdata/golden/preprocess/inputs/graphic_400x400.png'
    const r = {}
    for (const dtype of ['f32', 'f16', 'q8']) {
      const model = await vitrine.load('./models/emoji-clip', { dtype })
      r[dtype] = { dtype: model.info.dtype, q8: model.info.q8, embedding: [...(await model.embedImage(image)).embedding] }
      model.close()
    }
    return r
  })
  const cosine = (a, b) => a.reduce((sum, v, i) => sum + v * b[i], 0)
  for (const [dtype, least] of [['f32', 0.999999], ['f16', 0.9999], ['q8', 0.99]]) {
    assert.equal(r[dtype].dtype, dtype)
    assert.ok(cosine(r.f32.embedding, r[dtype].embedding) > least, dtype)
  }
  assert.notDeepEqual(r.q8.embedding, r.f32.embedding)
  assert.equal(r.f32.q8, null)
  assert.ok(['int8', 'int16'].includes(r.q8.q8.rows), r.q8.q8.rows)
  assert.ok(r.q8.q8.cosine > 0.999 && r.q8.q8.cosine < 1, `measured while loading: ${r.q8.q8.cosine}`)
})

test('a folder that vitrine pack wrote runs in q8 without an option, in one worker and in two', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'packed-'))
  const pages = {}
  try {
    execFileSync('go', ['run', './cmd/vitrine', 'pack', '-o', folder], { cwd: root })
    for (const file of readdirSync(folder)) pages['/packed/' + file] = { type: 'application/octet-stream', body: readFileSync(join(folder, file)) }
  } finally {
    rmSync(folder, { recursive: true })
  }
  const page = await open({ pages })
  const got = await page.evaluate(async () => {
    const image = './models/emoji-clip/reference/cat.png'
    const got = []
    for (const [folder, options] of [['./models/emoji-clip', { dtype: 'q8' }], ['./packed', {}], ['./packed', { workers: 2 }]]) {
      const model = await vitrine.load(folder, options)
      const { ranking } = await model.rank(image, ['a house', 'a cat', 'an umbrella'])
      got.push({ info: model.info, best: ranking[0].label, embedding: [...(await model.embedImage(image)).embedding] })
      model.close()
    }
    return got
  })
  const [q8, ...packed] = got
  for (const { info, best, embedding } of packed) {
    assert.equal(info.dtype, 'q8')
    assert.deepEqual(info.q8, { ...q8.info.q8, cosine: null })
    assert.ok(info.bytes < 0.7 * q8.info.bytes, `${info.bytes} bytes`) // the file before packing has half floats
    assert.equal(best, 'a cat')
    assert.ok(embedding.reduce((sum, v, i) => sum + v * q8.embedding[i], 0) > 0.9999)
  }
})

test('template, normalize and size have their effect', async () => {
  const page = await open()
  const r = await page.evaluate(async () => {
    const model = await vitrine.load('./models/emoji-clip')
    const image = './testdata/golden/preprocess/inputs/graphic_400x400.png'
    const length = (v) => Math.hypot(...v)
    const [plain] = (await model.embedText(['a cat'])).embeddings
    const [templated] = (await model.embedText(['cat'], { template: 'a {}' })).embeddings
    const [raw] = (await model.embedText(['a cat'], { normalize: false })).embeddings
    const rawImage = (await model.embedImage(image, { normalize: false })).embedding
    const larger = await model.attention(image, { size: [96, 80] })
    const { ranking } = await model.rank(image, ['cat', 'dog'], { template: ['a {}', 'the {}'] })
    const result = {
      same: length(plain.map((v, i) => v - templated[i])), unit: length(plain), raw: length(raw), rawImage: length(rawImage),
      grid: larger.grid, sum: ranking.reduce((a, { score }) => a + score, 0),
      long: (await model.embedText(['word '.repeat(100)])).truncated,
    }
    model.close()
    return result
  })
  assert.equal(r.same, 0)
  near(r.unit, 1, 1e-5, 'unit')
  assert.ok(Math.abs(r.raw - 1) > 1e-3 && Math.abs(r.rawImage - 1) > 1e-3)
  assert.deepEqual(r.grid, [12, 10])
  near(r.sum, 1, 1e-6, 'scores')
  assert.deepEqual(r.long, [true])
})

test('two models load at once and run independently; after loading nothing is requested', async () => {
  const page = await open()
  const run = () => page.evaluate(async () => {
    const pixels = { data: new Uint8Array(64 * 64 * 4).map((_, i) => i * 7), width: 64, height: 64 }
    globalThis.models ??= await Promise.all([vitrine.load('./models/emoji-clip'), vitrine.load(new URL('./models/emoji-clip/', location.href))])
    return Promise.all(models.map(async (model) => ({
      embedding: [...(await model.embedImage(pixels)).embedding],
      ranking: (await model.rank(pixels, ['a', 'b', 'c'])).ranking,
      map: [...(await model.attention(pixels)).data],
      requests: model.info.requests,
    })))
  })
  const [a, b] = await run()
  assert.deepEqual(a.embedding, b.embedding)
  const before = page.server.requests.length
  const [c] = await run()
  assert.deepEqual(c, a)
  assert.equal(page.server.requests.length, before)
  // info.requests lists the requests that the server has received.
  const host = page.server.requests.filter((path) => path.startsWith('/models/') || path.endsWith('.wasm')).map((path) => path.slice(1)).sort()
  const said = [...a.requests, ...b.requests].map(({ url }) => url.slice(page.server.url.length)).sort()
  assert.deepEqual(said, host)
  const weights = a.requests.find(({ url }) => url.endsWith('model.safetensors'))
  assert.deepEqual([weights.status, weights.bytes > 3e6], [200, true])
})

test('info says what runs and is frozen', async () => {
  const page = await open()
  const info = await page.evaluate(async () => {
    'use strict'
    const model = await vitrine.load('./models/emoji-clip')
    const { info } = model
    for (const change of [() => { info.device = 'x' }, () => { info.shapes.image[0] = 1 }, () => info.tasks.push('x')]) {
      try {
        change()
        throw new Error('it could be changed')
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
      }
    }
    model.close()
    return info
  })
  assert.equal(info.architecture, 'CLIPModel')
  assert.equal(info.modelType, 'clip')
  assert.deepEqual(info.shapes.image, [64, 64])
  assert.ok(info.tasks.includes('rank') && !info.tasks.includes('classify'))
  assert.equal(info.workers, 1)
  assert.equal(info.dtype, 'f32')
  assert.equal(info.pixels, 'exact')
})

test('options choose the kernels and the dtype, and the embedding stays the same', async () => {
  const page = await open()
  const got = await page.evaluate(async () => {
    const picture = new ImageData(64, 64)
    picture.data.forEach((_, i) => (picture.data[i] = (i * i) % 251))
    const got = []
    for (const options of [{}, { kernels: 'plain' }, { kernels: 'relaxed' }, { dtype: 'f16' }, { dtype: 'q8' }, { dtype: 'q8', kernels: 'plain' }]) {
      const model = await vitrine.load('./models/emoji-clip', options)
      const { embedding } = await model.embedImage(picture)
      got.push({ kernels: model.info.kernels, dtype: model.info.dtype, embedding: [...embedding] })
      model.close()
    }
    return got
  })
  assert.deepEqual(got.map(({ kernels, dtype }) => [kernels, dtype]), [
    ['relaxed', 'f32'], ['plain', 'f32'], ['relaxed', 'f32'], ['relaxed', 'f16'], ['relaxed', 'q8'], ['plain', 'q8'],
  ])
  const cosine = (a, b) => a.embedding.reduce((sum, x, i) => sum + x * b.embedding[i], 0)
  const least = [0, 1 - 1e-6, 1 - 1e-6, 1 - 1e-4, 0.99, 0.999]
  got.forEach((one, i) => assert.ok(cosine(one, got[0]) >= least[i], `${one.kernels} ${one.dtype}: cosine ${cosine(one, got[0])}`))
  assert.notDeepEqual(got[4].embedding, got[5].embedding)
})

test('progress grows up to the total', async () => {
  const page = await open()
  const progress = await page.evaluate(async () => {
    const progress = []
    const model = await vitrine.load('./models/emoji-clip', { onProgress: (p) => progress.push(p) })
    model.close()
    return progress
  })
  assert.equal(progress[0].stage, 'engine')
  const weights = progress.filter(({ stage }) => stage === 'weights')
  weights.forEach(({ loaded }, i) => assert.ok(loaded >= (weights[i - 1]?.loaded ?? 0)))
  assert.equal(weights.at(-1).loaded, weights.at(-1).total)
})

test('calls are answered in their order, each for its picture as it was when the call was made', async () => {
  const page = await open()
  const { order, same } = await page.evaluate(async () => {
    const model = await vitrine.load('./models/emoji-clip')
    const order = []
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 64 })
    const context = canvas.getContext('2d')
    const pixels = { data: new Uint8Array(64 * 64 * 4).fill(255), width: 64, height: 64 }
    const calls = []
    for (const colour of ['red', 'lime', 'blue']) {
      context.fillStyle = colour
      context.fillRect(0, 0, 64, 64)
      calls.push(model.embedImage(canvas).finally(() => order.push(colour)))
    }
    calls.push(model.embedImage(pixels).finally(() => order.push('white')))
    pixels.data.fill(0)
    const got = (await Promise.all(calls)).map(({ embedding }) => embedding)
    const want = []
    for (const rgb of [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]) {
      const data = new Uint8Array(64 * 64 * 4).map((_, i) => (i % 4 === 3 ? 255 : rgb[i % 4]))
      want.push((await model.embedImage({ data, width: 64, height: 64 })).embedding)
    }
    model.close()
    return { order, same: got.map((e, i) => e.every((v, k) => v === want[i][k])) }
  })
  assert.deepEqual(order, ['red', 'lime', 'blue', 'white'])
  assert.deepEqual(same, [true, true, true, true])
})
