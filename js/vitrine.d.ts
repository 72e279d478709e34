/**
 * Vision transformers in the browser: a page loads a model and asks it about
 * pictures. Nothing leaves the page: the only requests are for the model's files
 * and for pictures that are given as addresses.
 *
 * @example
 * import { load } from './js/vitrine.js'
 *
 * const model = await load('./models/emoji-clip')
 * const { ranking } = await model.rank(document.querySelector('img'), ['a cat', 'a dog'])
 * console.log(ranking[0].label, ranking[0].score)
 */

/** The build. worker.js and vitrine.wasm must be of the same one. */
export const version: string

/**
 * Loads a model.
 *
 * `nameOrUrl` is the address of a folder laid out as on Hugging Face
 * (config.json, preprocessor_config.json, model.safetensors, tokenizer files),
 * with or without its last slash, relative to the page; or a hub id such as
 * `openai/clip-vit-base-patch32`. A string that consists of exactly two names
 * around one slash is a hub id: for a folder of your site write
 * `./models/emoji-clip`, not `models/emoji-clip`.
 *
 * The model runs in a module worker, one a model; several may be loaded at once.
 * Rejects with {@link VitrineError}, or with `signal.reason` where it is aborted.
 */
export function load(nameOrUrl: string | URL, options?: LoadOptions): Promise<Model>

export interface LoadOptions {
  /**
   * What computes. `'auto'`, the default, takes the fastest there is; `info.device`
   * tells which, and `info.fallback` why it is not a faster one. Demanding one
   * that isn't there is an error of the code `'device'`.
   */
  device?: 'auto' | 'webgpu' | 'simd' | 'scalar'
  /**
   * How many workers share the work of each block, each with its part of the
   * weights: from 1 to the heads of the model. No headers are needed for it.
   * `'auto'`, the default, goes by `navigator.hardwareConcurrency` and the model's
   * size: a small model runs in one. `info.workers` tells.
   */
  workers?: 'auto' | number
  /**
   * How the weights of the blocks are kept, and the arithmetic with them. `'auto'` is
   * the file's own: float32 for F32, F16 and BF16 files, q8 for those that are packed
   * so (`vitrine pack` writes them). `'f16'` halves the memory and computes in
   * float32. `'q8'` is int8 with a scale for every output, and for every row of
   * activations as it comes: faster with SIMD (without, slower), and a quarter of the
   * weights' memory, but twice that while a float file loads, for what int8 costs is
   * measured on a picture then: `info.q8`. Workers scale their own parts of rows, so
   * with q8 their number changes results a little.
   */
  dtype?: 'auto' | 'f32' | 'f16' | 'q8'
  /**
   * Which SIMD kernels compute. `'auto'`, the default, takes the best that work:
   * `'relaxed'`, which need relaxed SIMD, else `'plain'`. Their results differ in the
   * last digits, those of q8 a little more; one that is named makes them the same
   * in all browsers. `info.kernels` tells which run. Demanding some that don't work
   * is an error of the code `'device'`.
   */
  kernels?: 'auto' | 'relaxed' | 'plain'
  /** The branch, tag or commit of a hub id; `'main'` by default. */
  revision?: string
  /** The host of hub ids, `'https://huggingface.co'` by default: a mirror, for instance. */
  host?: string
  /** What model.safetensors must hash to: `'sha256-'` and 44 characters of base64, as in HTML's integrity attribute. */
  integrity?: string
  /** How the browser's HTTP cache is used, as in `fetch`; `'default'` by default. */
  cache?: 'default' | 'no-store' | 'reload' | 'no-cache' | 'force-cache'
  /** Aborts the load; nothing is left behind. */
  signal?: AbortSignal | null
  /** Is called as the load goes on, at most some 20 times a second. */
  onProgress?: (progress: Progress) => void
}

export interface Progress {
  /** `'engine'` while vitrine.wasm is loaded, then `'weights'`. */
  stage: 'engine' | 'weights'
  /** The file that is being loaded. */
  file: string
  /** Bytes that have been read. */
  loaded: number
  /** All there are, or null where that isn't known. */
  total: number | null
}

/**
 * A picture. What is passed stays yours: arrays are copied, bitmaps too. A picture
 * is taken as it is at the moment of the call. Its pixels reach the model as its
 * file has them: alpha is dropped, not composited, as Pillow's `convert("RGB")`
 * does; EXIF orientation is applied, colour profiles are not.
 *
 * A string or URL is the address of a picture.
 */
export type Image =
  | HTMLImageElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap
  | ImageData
  | HTMLVideoElement
  | VideoFrame
  | Blob
  | string
  | URL
  | RGBA
  | PixelValues

/** Pixels: 4 bytes each, red, green, blue, alpha (not premultiplied), rows from the top. */
export interface RGBA {
  data: Uint8ClampedArray | Uint8Array
  width: number
  height: number
}

/** Values that were preprocessed already, as upstream's processor gives them for one picture. */
export interface PixelValues {
  pixelValues: Float32Array
  /** [3, height, width]; for NaFlex [rows · columns, patch · patch · 3], without padding. */
  shape: number[]
  /** For NaFlex: [rows, columns]. */
  grid?: [number, number]
}

export interface CallOptions {
  /** Aborts the call, which then rejects with `signal.reason` at once. The model stays usable. */
  signal?: AbortSignal | null
}

export interface ImageOptions extends CallOptions {
  /** [height, width] in pixels, other than the model's own: its position table is interpolated as upstream does. */
  size?: [number, number]
  /** For NaFlex models: how many patches a picture may have. */
  maxPatches?: number
  /** What the model is told less than usual, for lessons. */
  experiment?: Experiment
}

/**
 * Changes what the tower gets to know, with the real model. Without positions,
 * patches are a set: swapping two of them changes no output. Under a causal mask a
 * token sees itself and those before it, so the class token, which comes first,
 * sees nothing of the picture.
 */
export interface Experiment {
  /** Place i gets the patch that belongs at order[i]; every patch once. */
  order?: number[]
  /** false: tokens don't know where they are. */
  positions?: boolean
  /** true: a token sees itself and those before it. */
  causal?: boolean
}

export interface VisualTokensOptions extends ImageOptions {
  /** Of hidden_states: 0 enters the first block, -1 leaves the last. By default what config.json says. */
  layers?: number[]
  /** `'default'` leaves out the first token, `'full'` keeps it. By default what config.json says. */
  strategy?: 'default' | 'full'
}

/** Losses of a batch of pairs. */
export interface Losses {
  /** CLIP's symmetric cross entropy. */
  clip: number
  /** SigLIP's: the sum over each row of pairs, mean over rows. */
  siglip: number
  /** SigLIP's loss of every pair, [texts][images]. */
  pairs: number[][]
  /** The mean of pairs. */
  mean: number
}

export interface EmbedImageOptions extends ImageOptions {
  /** Scale the vector to length 1; true by default. */
  normalize?: boolean
}

export interface TextOptions extends CallOptions {
  /** Scale the vectors to length 1; true by default. */
  normalize?: boolean
  /**
   * A sentence with `{}` in the place of the text, or several, whose embeddings are
   * averaged as CLIP does. None by default: texts are taken as they are.
   */
  template?: string | string[]
}

/** How far a call with many images or texts is. */
export interface BatchProgress {
  done: number
  total: number
}

export interface EmbedImagesOptions extends EmbedImageOptions {
  /** Is called after some of the pictures. */
  onProgress?: (progress: BatchProgress) => void
}

export interface TextsOptions extends TextOptions {
  /** Is called after some of the texts. */
  onProgress?: (progress: BatchProgress) => void
}

export interface RankOptions extends ImageOptions {
  /** See {@link TextOptions.template}. */
  template?: string | string[]
}

export interface ClassifyOptions extends ImageOptions {
  /** How many classes to give; 5 by default. */
  topK?: number
}

export interface AttentionOptions extends ImageOptions {
  /** The block, counted from 0; the last by default. */
  layer?: number
  /** The head, counted from 0; without it the mean over all heads. */
  head?: number
  /**
   * `'raw'`, the default: the block's own attention. `'rollout'`: (mean + I)/2 of
   * each block up to `layer`, rows scaled to sum 1, multiplied (Abnar and Zuidema
   * 2020). `'pool'`: that of SigLIP's pooling head.
   */
  method?: 'raw' | 'rollout' | 'pool'
  /** Give all tokens × all tokens instead of one row over the patches. */
  full?: boolean
}

export interface FeaturesOptions extends ImageOptions {
  /** The output of this block, counted from 0; without it the last hidden state. */
  layer?: number
}

export interface RelevanceOptions extends ImageOptions {
  /**
   * `'dense'`, the default: the cosine of each patch with the label. `'contribution'`:
   * each patch's part of the similarity that rank shows; Σ data + rest = similarity.
   */
  method?: 'dense' | 'contribution'
  /** What `contrast` is taken against; by default the other labels. */
  against?: string[]
  /** See {@link TextOptions.template}. */
  template?: string | string[]
}

/** A loaded model. Calls are run one after the other, in their order. */
export interface Model {
  /** What the model is, and what runs it, as it is now. */
  readonly info: Info

  /**
   * The vector of a picture, as upstream's class pools it: CLIP's image_embeds,
   * SigLIP's pooler_output; of ViT and DINO the pooler's output where the file
   * has a pooler, else the class token after the last norm.
   */
  embedImage(image: Image, options?: EmbedImageOptions): Promise<{ embedding: Float32Array; ms: Ms }>

  /** The vectors of texts, for models with a text tower. `truncated` tells which were longer than the model reads. */
  embedText(texts: string[], options?: TextOptions): Promise<{ embeddings: Float32Array[]; truncated: boolean[] }>

  /**
   * The vectors of many pictures, in their order. They go through the model some at
   * a time; only those are decoded. `ms` is of all together. The failure of one
   * rejects the call, and its message names the index.
   */
  embedImages(images: Image[], options?: EmbedImagesOptions): Promise<{ embeddings: Float32Array[]; ms: Ms }>

  /** `embedText`, with progress. */
  embedTexts(texts: string[], options?: TextsOptions): Promise<{ embeddings: Float32Array[]; truncated: boolean[] }>

  /** How well each label fits a picture, the best first. Label embeddings are computed once and kept. */
  rank(image: Image, labels: string[], options?: RankOptions): Promise<Ranking>

  /** The most probable classes of a picture, for models with a classifier. */
  classify(image: Image, options?: ClassifyOptions): Promise<{ classes: Class[]; ms: Ms }>

  /** Where the model looked. It is not about a label. */
  attention(image: Image, options?: AttentionOptions): Promise<AttentionMap>

  /** The raw maps of all layers and heads at once. */
  attentionStack(image: Image, options?: ImageOptions): Promise<AttentionStack>

  /** Which patches speak for each label, or each class of a classifier; in the order of the labels. */
  relevance(image: Image, labels: string[], options?: RelevanceOptions): Promise<Relevance>

  /** Every stage of a picture's way through the model, with its shape and the time since the stage before. */
  trace(image: Image, options?: ImageOptions): Promise<Stage[]>

  /** The first three principal components of the patch features, to look at as red, green and blue. */
  colors(image: Image, options?: FeaturesOptions): Promise<Colors>

  /** A vector for each patch; class and register tokens are left out. */
  features(image: Image, options?: FeaturesOptions): Promise<Features>

  /** What a LLaVA-style language model gets to see of a picture, for models with its projector. */
  visualTokens(image: Image, options?: VisualTokensOptions): Promise<{ data: Float32Array; shape: [number, number]; ms: Ms }>

  /** How the model reads a text: special tokens included, truncated, not padded; one piece an id. */
  tokenize(text: string, options?: CallOptions): Promise<{ ids: number[]; pieces: string[]; truncated: boolean }>

  /**
   * The losses that such models are trained with, of the logits of a batch: one row
   * a text, one column a picture, the pairs on the diagonal.
   */
  losses(logits: number[][], options?: CallOptions): Promise<Losses>

  /** Ends the worker and gives all memory back. Calls that run, and later ones, reject with the code `'closed'`. */
  close(): void
}

/** Where the time of a call went, in milliseconds. */
export interface Ms {
  /** Getting the pixels, the download of an address included. */
  decode: number
  /** Resize, crop, normalisation. */
  preprocess: number
  /** The model itself. */
  encode: number
  /** Of encode, waiting for the graphics processor; 0 where none runs. */
  device: number
}

export interface Ranking {
  ranking: RankedLabel[]
  /** What makes scores of logits: softmax over the labels (CLIP), or the sigmoid of each (SigLIP). */
  method: 'softmax' | 'sigmoid'
  ms: Ms
}

export interface RankedLabel {
  label: string
  /** Its place in the labels of the call. */
  index: number
  /** The cosine of the two embeddings. */
  similarity: number
  /** The similarity as upstream scales it. */
  logit: number
  /** From 0 to 1. */
  score: number
}

export interface Class {
  /** The name in config.json's id2label, else LABEL_n. */
  label: string
  index: number
  logit: number
  /** Softmax over all classes. */
  score: number
}

export interface AttentionMap {
  /**
   * [rows · columns]: the class token's attention to each patch, not rescaled (what
   * is missing to 1 went to other tokens). Without a class token the mean over all
   * queries. With `full` [tokens, tokens].
   */
  data: Float32Array
  shape: number[]
  /** Rows and columns of patches. */
  grid: [number, number]
  layer: number
  /** null: the mean over all heads. */
  head: number | null
  method: 'raw' | 'rollout' | 'pool'
}

export interface AttentionStack {
  /** [layers, heads, rows · columns] */
  data: Float32Array
  layers: number
  heads: number
  grid: [number, number]
}

export interface Relevance {
  method: 'dense' | 'contribution'
  maps: LabelMap[]
}

export interface LabelMap {
  label: string
  /** [rows · columns] */
  data: Float32Array
  /**
   * [rows · columns]: data minus the mean of the same maps of what it is taken
   * against. With one label and nothing else that is a text about nothing, for a
   * classifier the mean of all classes.
   */
  contrast: Float32Array
  grid: [number, number]
  /** The cosine of picture and label. */
  similarity: number
  /** What no patch gave: class and register tokens, biases. null for `'dense'`. */
  rest: number | null
}

export interface Stage {
  stage: string
  shape: number[]
  ms: number
}

export interface Colors {
  /** [rows · columns, 3], each component stretched to 0 … 1 */
  data: Float32Array
  grid: [number, number]
  /** Each component's share of the variance. */
  explained: [number, number, number]
  ms: Ms
}

export interface Features {
  data: Float32Array
  /** [patches, width] */
  shape: [number, number]
  grid: [number, number]
  ms: Ms
}

export interface Q8Info {
  /**
   * What rows of activations become: `'int8'` where the processor multiplies whole
   * bytes in one instruction, else `'int16'`, which is nearly as fast on the others;
   * `'float32'` on a GPU.
   */
  readonly rows: 'int8' | 'int16' | 'float32'
  /**
   * The cosine of a picture's embedding (of its tokens, in a model without one) to
   * the same in float32, measured while loading; null where it can't be: the file
   * has int8 only, or a GPU computes.
   */
  readonly cosine: number | null
}

export interface Info {
  /** Of config.json: `'CLIPModel'`. */
  readonly architecture: string
  /** Of config.json: `'clip'`. */
  readonly modelType: string
  /** The methods that this model answers. */
  readonly tasks: readonly string[]
  /** What computes. */
  readonly device: 'webgpu' | 'simd' | 'scalar'
  readonly workers: number
  readonly dtype: 'f32' | 'f16' | 'q8'
  /** How int8 does on this model; null for another dtype. */
  readonly q8: Q8Info | null
  /** The name of the kernels. */
  readonly kernels: string
  /** How many parameters the loaded towers have. */
  readonly parameters: number
  /** The bytes of the files of weights. */
  readonly bytes: number
  /** Why a slower device runs than there might be, or ''. */
  readonly fallback: string
  /** The graphics processor that runs, or ran until the fallback. */
  readonly gpu: {
    /** '' where there was none. */
    readonly name: string
    /** How many pipelines were compiled for the model, and in how many milliseconds. */
    readonly pipelines: number
    readonly compileMs: number
  }
  /** How many classes a classifier has, else 0. */
  readonly classes: number
  /** The bytes of WebAssembly memory of each worker. It grows with the largest call, and never shrinks. */
  readonly memory: { readonly wasm: readonly number[] }
  /** `'exact'`, or why this browser can't give the pixels of pictures as they are. */
  readonly pixels: string
  readonly shapes: {
    /** [height, width] in pixels; [0, 0] where any will do (NaFlex). */
    readonly image: readonly [number, number]
    /** The side of a patch, in pixels. */
    readonly patch: number
    /** [rows, columns] of patches. */
    readonly grid: readonly [number, number]
    readonly tokens: number
    /** Class and register tokens. */
    readonly prefix: number
    readonly width: number
    readonly layers: number
    readonly heads: number
    readonly embedding: number
    /** For NaFlex, else 0. */
    readonly maxPatches: number
    /** Tokens of a text; 0 without a text tower. */
    readonly textLength: number
    readonly textLayers: number
    readonly vocabulary: number
    /** How many tokens of a language model a picture costs; 0 without a projector. */
    readonly slots: number
  }
  /** Which part of a picture the model sees: it is resized, then a window is cut from its centre. */
  readonly preprocess: {
    readonly resize: 'shortest-edge' | 'squash' | 'naflex' | 'none'
    /** For 'shortest-edge': the shorter side becomes this long, else 0. */
    readonly edge: number
    /** For 'squash': [height, width], else [0, 0]. */
    readonly size: readonly [number, number]
    /** [height, width] of the window; [0, 0]: all of it. */
    readonly crop: readonly [number, number]
  }
  /** Every request that this model made, in the order in which they ended: see that nothing else leaves the page. */
  readonly requests: readonly { readonly url: string; readonly status: number; readonly bytes: number }[]
}

/** What every failure is, but an abort. The message says what to do. */
export class VitrineError extends Error {
  constructor(code: VitrineErrorCode, message: string, options?: { cause?: unknown })
  readonly name: 'VitrineError'
  readonly code: VitrineErrorCode
}

/**
 * | code | meaning |
 * |---|---|
 * | option | an argument or option: unknown, of the wrong type, out of range |
 * | picture | a picture that is empty, broken, unreadable, or of a shape that the model can't take |
 * | config | config.json or preprocessor_config.json contradicts itself or is no JSON |
 * | weights | a safetensors file: broken, incomplete, of another shape, not finite |
 * | tokenizer | tokenizer files: broken or incomplete |
 * | unsupported | a sound file that asks for what Vitrine does not have, or a browser that lacks what it needs |
 * | task | the model has no such tower or head |
 * | not-found | a file that isn't there |
 * | network | a host that can't be reached or answers something else |
 * | integrity | a file whose hash is not the expected one |
 * | version | the files of the folder js/ are of different builds |
 * | memory | the browser gives no more memory |
 * | device | the demanded device is absent, lost or wrong |
 * | closed | a call after close() |
 * | internal | a mistake of Vitrine's own, or a worker that something ended; the next call starts it anew |
 */
export type VitrineErrorCode =
  | 'option'
  | 'picture'
  | 'config'
  | 'weights'
  | 'tokenizer'
  | 'unsupported'
  | 'task'
  | 'not-found'
  | 'network'
  | 'integrity'
  | 'version'
  | 'memory'
  | 'device'
  | 'closed'
  | 'internal'
