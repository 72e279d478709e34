// Uses everything in vitrine.d.ts; the compiler checks it (test/browser/types.test.mjs).

import { load, version, VitrineError, type AttentionMap, type Image, type Info, type Model, type VitrineErrorCode } from 'vitrine'

const controller = new AbortController()
const model: Model = await load('openai/clip-vit-base-patch32', {
  device: 'auto',
  workers: 'auto',
  dtype: 'q8',
  kernels: 'plain',
  revision: 'main',
  host: 'https://huggingface.co',
  integrity: 'sha256-…',
  cache: 'no-store',
  headers: { Authorization: 'Bearer …' },
  fetch: (url, { headers, signal }) => fetch(url, { headers, signal }),
  stallMs: 60_000,
  retryMs: 1000,
  signal: controller.signal,
  onProgress: ({ stage, file, loaded, total }) => console.log(stage, file, total === null ? loaded : loaded / total),
})
await load(new URL('./models/emoji-clip/', document.baseURI))

declare const images: [HTMLImageElement, HTMLCanvasElement, OffscreenCanvas, ImageBitmap, ImageData, HTMLVideoElement, VideoFrame, Blob, File, URL, string]
const every: Image[] = [
  ...images,
  { data: new Uint8Array(4), width: 1, height: 1 },
  { pixelValues: new Float32Array(3), shape: [3, 1, 1] },
  { pixelValues: new Float32Array(768), shape: [1, 768], grid: [1, 1] },
]

for (const image of every) {
  const { embedding, ms } = await model.embedImage(image, { normalize: false, size: [224, 224] })
  const length: number = embedding.length + ms.decode + ms.preprocess + ms.encode
  const { ranking, method } = await model.rank(image, ['a cat', 'a dog'], { template: 'a photo of {}', signal: null })
  const best: string = ranking[0]!.label + ranking[0]!.score + ranking[0]!.similarity + ranking[0]!.logit + ranking[0]!.index + method + length
  const { classes } = await model.classify(image, { topK: 3 })
  const map: AttentionMap = await model.attention(image, { layer: 0, head: 0, method: 'rollout', full: true, maxPatches: 256 })
  const [rows, columns] = map.grid
  const stack = await model.attentionStack(image)
  const { data, shape } = await model.features(image, { layer: 1 })
  const { maps } = await model.relevance(image, ['a cat'], { method: 'contribution', against: ['a dog'], template: 'a {}' })
  const rest: number | null = maps[0]!.rest
  const stages: string[] = (await model.trace(image)).map(({ stage, shape, ms }) => `${stage} ${shape.join('×')} ${ms}`)
  const { explained } = await model.colors(image, { layer: 0 })
  const slots: number = (await model.visualTokens(image)).shape[0]
  console.log(best, classes[0]?.label, rows * columns, stack.layers * stack.heads, data[shape[1]], slots, rest, stages, explained[0], version)
}

const { embeddings, truncated } = await model.embedText(['a cat'], { template: ['a {}', 'the {}'] })
const vectors: Float32Array[] = embeddings
const cut: boolean[] = truncated
const { ids, pieces } = await model.tokenize('a cat', { signal: controller.signal })
const info: Info = model.info
const [height, width]: readonly [number, number] = info.shapes.image
console.log(vectors, cut, ids, pieces, height, width, info.requests.map(({ url, status, bytes, from }) => `${url} ${status} ${bytes} ${from}`))
model.close()

try {
  await model.tokenize('x')
} catch (error) {
  if (error instanceof VitrineError) {
    const code: VitrineErrorCode = error.code
    console.log(code === 'closed', error.message)
  }
}

// The compiler must refuse these.
// @ts-expect-error an unknown option
await load('x', { divice: 'simd' })
// @ts-expect-error an unknown device
await load('x', { device: 'gpu' })
// @ts-expect-error labels are an array
await model.rank('x.png', 'a cat, a dog')
// @ts-expect-error no image
await model.embedImage(5)
// @ts-expect-error info can't be changed
model.info.device = 'scalar'
// @ts-expect-error a misspelt code
if (new VitrineError('option', 'x').code === 'options') model.close()
