/**
 * Vision transformers in the browser: a page loads a model and asks it about
 * pictures. Pictures never leave the page: the only requests are for Vitrine's own
 * files, for the model's files and for pictures that are passed as URLs.
 *
 * @example
 * import { load } from './js/vitrine.js'
 *
 * const model = await load('./models/emoji-clip')
 * const { ranking } = await model.rank(document.querySelector('img'), ['a cat', 'a dog'])
 * console.log(ranking[0].label, ranking[0].score)
 */

/** The build. worker.js and vitrine.wasm must be of the same build. */
export const version: string

/**
 * Loads a model.
 *
 * `nameOrUrl` is the URL of a folder laid out as on Hugging Face (config.json,
 * preprocessor_config.json, model.safetensors or pytorch_model.bin, tokenizer files),
 * relative to the page, with or without the last slash; or a hub id such as
 * `google/vit-base-patch16-224`.
 * A string of exactly two names with one slash between them is a hub id: for a folder
 * of your site write `./models/emoji-clip`, not `models/emoji-clip`.
 *
 * Each model runs in a module worker of its own; several models may be loaded at once.
 * Rejects with a {@link VitrineError}, or with `signal.reason` after an abort.
 */
export function load(nameOrUrl: string | URL, options?: LoadOptions): Promise<Model>

/**
 * Says what a model's folder holds and whether {@link load} would load it, before the
 * download: it reads the small files and the headers of the weights, and of a tokenizer
 * what is at most 4 MB.
 *
 * `nameOrUrl` is as in load. What keeps the model from loading is in the result
 * (`loads`, `error`). Rejects with a {@link VitrineError} for wrong options, or with
 * `signal.reason` after an abort.
 *
 * @example
 * const verdict = await inspect('google/vit-base-patch16-224')
 * if (!verdict.loads) console.log(verdict.error.message)
 * else console.log(`${verdict.bytes / 1e6} MB to download, ${verdict.memory.f32 / 1e6} MB in memory`)
 */
export function inspect(nameOrUrl: string | URL, options?: InspectOptions): Promise<Inspection>

/** How the files of a model are requested. docs/loading.md says what is done about each fault. */
export interface NetworkOptions {
  /**
   * The URL of the hub or of a mirror; `'https://huggingface.co'` by default. With `{file}` in
   * it, it is a template of the URLs of files, with `{model}`, the hub id, and `{revision}`:
   * `'https://mirror.example/{model}/{revision}/{file}?key=1'`. Only for hub ids.
   */
  host?: string
  /**
   * How requests use the browser's HTTP cache, as in `fetch`; `'default'` by default: a file
   * from the cache whose content is refused is asked for once more, past the cache.
   */
  cache?: 'default' | 'no-store' | 'reload' | 'no-cache' | 'force-cache'
  /**
   * HTTP headers of the requests for the model's files, such as `{ Authorization: 'Bearer …' }`.
   * Pictures and Vitrine's own files are requested without them. At a redirect to another
   * origin the browser drops `Authorization`, but no other header: use `fetch` for these.
   */
  headers?: Record<string, string>
  /**
   * Requests the model's files instead of the browser's own `fetch`, in the page: for tokens
   * that expire, signed URLs, any transport. It must obey `headers`, where `range` asks for
   * the rest of a file, and should obey `signal`. A rejection counts as a failed connection.
   */
  fetch?: (url: string, init: { headers: Record<string, string>; cache: RequestCache; signal: AbortSignal }) => Promise<Response>
  /** How long nothing may come, in milliseconds, before a request is given up and sent again; 30000 by default, 0 for any time. */
  stallMs?: number
  /** The wait before a failed request is sent again, in milliseconds; 500 by default. It doubles each time, up to a fourth retry. */
  retryMs?: number
}

export interface InspectOptions extends NetworkOptions {
  /** [height, width] in pixels of the pictures for which tokens, slots and multiply-adds are counted; the model's own by default. */
  size?: [number, number]
  /** The branch, tag or commit of a hub id; `'main'` by default. */
  revision?: string
  /** Aborts the inspection. */
  signal?: AbortSignal | null
}

/** What is known of a model before its weights are read. Fields that could not be read are 0 or empty. */
export interface Inspection {
  /** Whether load would load the model, as far as can be told without the weights. */
  loads: boolean
  /** Why load would fail: the code and the message of its {@link VitrineError}; null where it would not. */
  error: { code: string; message: string } | null
  /** What is odd in the files without keeping the model from running: a sentence each. */
  warnings: string[]
  /** The class in config.json, such as `'CLIPModel'`. */
  architecture: string
  /** model_type in config.json, such as `'clip'`. */
  modelType: string
  /** The calls that the model can answer. */
  tasks: string[]
  /** The number of weights that the model uses. */
  parameters: number
  /** The number of classes of a classifier; 0 without one. */
  classes: number
  shapes: Info['shapes']
  preprocess: Info['preprocess']
  /** About how many multiply-adds a picture takes. */
  multiplyAdds: number
  /** The bytes of memory that the weights take, by the option `dtype` of load; 0 for one that the file's weights can't have. */
  memory: { f32: number; f16: number; q8: number }
  /** The size of each tower in the weight files, and of the tensors that the model doesn't use. */
  towers: { vision: TowerSize; text: TowerSize; unused: TowerSize }
  /** The tensors in the weight files, by their type as safetensors writes it. */
  dtypes: { dtype: string; tensors: number; values: number }[]
  /** The bytes of all files that load reads; -1 where the host does not tell all sizes. */
  bytes: number
  /** The files of the folder that are known; bytes is -1 where the host does not tell it, read is whether load reads the file. */
  files: { name: string; bytes: number; read: boolean }[]
  /** The licence that the model's README.md states, or the name of its file of the licence; empty where none is stated. */
  licence: string
}

/** The size of a tower. */
export interface TowerSize {
  parameters: number
  bytes: number
}

export interface LoadOptions extends NetworkOptions {
  /**
   * The device that computes. `'auto'`, the default, picks the fastest device for the
   * model; `info.device` tells which device runs, `info.fallback` why a faster one does
   * not. Any other value demands a device; if it is not available, load rejects with
   * the code `'device'`.
   */
  device?: 'auto' | 'webgpu' | 'simd' | 'scalar'
  /**
   * The number of workers that share each block of the model: from 1 to the number of
   * its heads. Each worker holds its share of the weights. The page needs no isolation
   * headers. `'auto'`, the default, depends on `navigator.hardwareConcurrency` and the
   * size of the model: a small model runs in one worker. `info.workers` tells the number.
   */
  workers?: 'auto' | number
  /**
   * How the weights of the blocks are stored and multiplied. `'auto'`, the default,
   * follows the file: f32 for F32, F16 and BF16 files, q8 for int8 files (`vitrine pack`
   * writes them). `'f16'` takes half the memory and computes in float32. `'q8'` stores
   * int8 with a scale per output and quantizes activations with a scale per row. It is
   * faster with SIMD, slower without, and takes a quarter of the weights' memory; twice
   * that while a float file loads, because the accuracy of q8 is then measured on a
   * picture (`info.q8`). Each worker scales its own part of a row, so the number of
   * workers changes q8 results slightly.
   */
  dtype?: 'auto' | 'f32' | 'f16' | 'q8'
  /**
   * The SIMD kernels that compute. `'auto'`, the default, picks `'relaxed'` where the
   * browser has relaxed SIMD, else `'plain'`. Their results differ in the last digits,
   * with q8 slightly more; a fixed choice gives the same results in all browsers.
   * `info.kernels` tells which kernels run. If kernels that are demanded do not work,
   * load rejects with the code `'device'`.
   */
  kernels?: 'auto' | 'relaxed' | 'plain'
  /** The branch, tag or commit of a hub id; `'main'` by default. */
  revision?: string
  /** The expected hash of the file of weights, which must be one file, not shards: `'sha256-'` and 44 characters of base64, as in HTML's integrity attribute. */
  integrity?: string
  /** Aborts the load. Nothing is left behind. */
  signal?: AbortSignal | null
  /** Called while the model loads, about 20 times a second at most. */
  onProgress?: (progress: Progress) => void
}

/** The progress of a load. */
export interface Progress {
  /** `'engine'` while vitrine.wasm starts, then `'weights'`. */
  stage: 'engine' | 'weights'
  /** The name of the file that is loading. */
  file: string
  /** The bytes read so far. */
  loaded: number
  /** The bytes to read; null where the number is unknown. */
  total: number | null
}

/**
 * A picture; a string or URL is the URL of a picture. A call uses the picture as it is
 * when the call is made, and copies arrays and bitmaps: they stay usable. The model gets
 * the exact pixels of the file: alpha is dropped, not composited, as by Pillow's
 * `convert("RGB")`; EXIF orientation is applied, colour profiles are not.
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

/** Pixels: [height, width, 4] bytes, red, green, blue and alpha, not premultiplied, rows from the top. */
export interface RGBA {
  data: Uint8ClampedArray | Uint8Array
  /** In pixels. */
  width: number
  /** In pixels. */
  height: number
}

/** A picture that is preprocessed already: the values of upstream's processor for one picture. */
export interface PixelValues {
  pixelValues: Float32Array
  /** [3, height, width]; for NaFlex [rows · columns, patch · patch · 3], without padding. */
  shape: number[]
  /** For NaFlex: [rows, columns] of patches. */
  grid?: [number, number]
}

/** Options of every call. */
export interface CallOptions {
  /** Aborts the call, which rejects with `signal.reason` at once. The model stays usable. */
  signal?: AbortSignal | null
}

/** Options of every call with a picture. */
export interface ImageOptions extends CallOptions {
  /** [height, width] in pixels instead of the model's own size. The position table is interpolated as upstream does. */
  size?: [number, number]
  /** For NaFlex models: the most patches that a picture may have. */
  maxPatches?: number
  /** Takes information away from the model, for lessons. */
  experiment?: Experiment
}

/**
 * Changes the input of the vision tower. Without position embeddings, patches are a
 * set: swapping two of them changes no output. Under a causal mask a token attends to
 * itself and to the tokens before it, so the class token, which is the first, attends
 * to no patch.
 */
export interface Experiment {
  /** Position i gets patch order[i]. Each patch must occur once. */
  order?: number[]
  /** true by default; false leaves out the position embeddings. */
  positions?: boolean
  /** true: attention has a causal mask. */
  causal?: boolean
}

/** Options of {@link Model.visualTokens}. */
export interface VisualTokensOptions extends ImageOptions {
  /** Indices into hidden_states: 0 is the input of the first block, -1 the output of the last. By default those of config.json. */
  layers?: number[]
  /** `'default'` drops the first token, `'full'` keeps it. By default the strategy of config.json. */
  strategy?: 'default' | 'full'
}

/** The losses of a batch of pairs of a text and a picture. */
export interface Losses {
  /** CLIP's symmetric cross entropy. */
  clip: number
  /** SigLIP's sigmoid loss: the sum over each row of pairs, averaged over rows. */
  siglip: number
  /** The sigmoid loss of every pair, [texts][images]. */
  pairs: number[][]
  /** The mean of pairs. */
  mean: number
}

/** Options of {@link Model.embedImage}. */
export interface EmbedImageOptions extends ImageOptions {
  /** Scales the vector to length 1; true by default. */
  normalize?: boolean
}

/** Options of {@link Model.embedText}. */
export interface TextOptions extends CallOptions {
  /** Scales the vectors to length 1; true by default. */
  normalize?: boolean
  /**
   * A sentence in which `{}` stands for the text, or several such sentences, whose
   * embeddings are averaged as CLIP does. None by default: texts are used unchanged.
   */
  template?: string | string[]
}

/** The progress of a call with many images or texts. */
export interface BatchProgress {
  /** How many images or texts are done. */
  done: number
  /** The number of all images or texts. */
  total: number
}

/** Options of {@link Model.embedImages}. */
export interface EmbedImagesOptions extends EmbedImageOptions {
  /** Called after each batch of pictures. */
  onProgress?: (progress: BatchProgress) => void
}

/** Options of {@link Model.embedTexts}. */
export interface TextsOptions extends TextOptions {
  /** Called after each batch of texts. */
  onProgress?: (progress: BatchProgress) => void
}

/** Options of {@link Model.rank}. */
export interface RankOptions extends ImageOptions {
  /** See {@link TextOptions.template}. */
  template?: string | string[]
}

/** Options of {@link Model.classify}. */
export interface ClassifyOptions extends ImageOptions {
  /** The number of classes in the result; 5 by default. */
  topK?: number
}

/** Options of {@link Model.attention}. */
export interface AttentionOptions extends ImageOptions {
  /** The index of the block, from 0; the last block by default. */
  layer?: number
  /** The index of the head, from 0; the mean over all heads by default. */
  head?: number
  /**
   * `'raw'`, the default: the attention of the block. `'rollout'`: the product of
   * (mean over heads + I)/2 of each block up to `layer`, rows scaled to sum 1 (Abnar and
   * Zuidema 2020). `'pool'`: the attention of SigLIP's pooling head.
   */
  method?: 'raw' | 'rollout' | 'pool'
  /** true: the result is [tokens, tokens] instead of one row over the patches. */
  full?: boolean
}

/** Options of {@link Model.features} and {@link Model.colors}. */
export interface FeaturesOptions extends ImageOptions {
  /** The index of the block whose output is used, from 0; the last hidden state by default. */
  layer?: number
}

/** Options of {@link Model.relevance}. */
export interface RelevanceOptions extends ImageOptions {
  /**
   * `'dense'`, the default: the cosine between each patch and the label.
   * `'contribution'`: the part of the similarity of rank that comes from each patch, so
   * that Σ data + rest = similarity.
   */
  method?: 'dense' | 'contribution'
  /** The texts whose mean map `contrast` subtracts; the other labels by default. */
  against?: string[]
  /** See {@link TextOptions.template}. */
  template?: string | string[]
}

/**
 * A loaded model. It runs one call at a time, in the order in which they are made. Each
 * call rejects with a {@link VitrineError}, or with `signal.reason` after an abort: with
 * the code `'option'` or `'picture'` for wrong arguments, `'task'` where the model lacks
 * the tower or head.
 */
export interface Model {
  /** What the model is and what runs it, as it is now. */
  readonly info: Info

  /**
   * The embedding of a picture, [embedding], pooled as upstream's class does: image_embeds
   * of CLIP, pooler_output of SigLIP; of ViT and DINO the output of the pooler, or the
   * class token after the last norm where the file has no pooler.
   */
  embedImage(image: Image, options?: EmbedImageOptions): Promise<{ embedding: Float32Array; ms: Ms }>

  /**
   * The embeddings of texts, [embedding] each, in their order, for models with a text
   * tower. `truncated` tells which texts were longer than the model reads.
   */
  embedText(texts: string[], options?: TextOptions): Promise<{ embeddings: Float32Array[]; truncated: boolean[] }>

  /**
   * The embeddings of many pictures, in their order. The model computes them in batches,
   * and decodes only the pictures of one batch at a time. `ms` is for all pictures
   * together. If one picture fails, the call rejects with a message that names its index.
   */
  embedImages(images: Image[], options?: EmbedImagesOptions): Promise<{ embeddings: Float32Array[]; ms: Ms }>

  /** `embedText` with progress. */
  embedTexts(texts: string[], options?: TextsOptions): Promise<{ embeddings: Float32Array[]; truncated: boolean[] }>

  /** Labels by how well they fit a picture, the best first. The embeddings of labels are computed once and cached. */
  rank(image: Image, labels: string[], options?: RankOptions): Promise<Ranking>

  /** The most probable classes of a picture, the best first, for models with a classifier. */
  classify(image: Image, options?: ClassifyOptions): Promise<Classes>

  /** An attention map: how much attention each patch gets. It depends on no label. */
  attention(image: Image, options?: AttentionOptions): Promise<AttentionMap>

  /** The raw attention maps of all layers and heads. */
  attentionStack(image: Image, options?: ImageOptions): Promise<AttentionStack>

  /** The relevance of each patch for each label, in the order of the labels. For a classifier, labels are names of its classes. */
  relevance(image: Image, labels: string[], options?: RelevanceOptions): Promise<Relevance>

  /** The stages of the model for a picture: the shape of each result, and the time since the stage before. */
  trace(image: Image, options?: ImageOptions): Promise<Stage[]>

  /** The first three principal components of the patch features, to be shown as red, green and blue. */
  colors(image: Image, options?: FeaturesOptions): Promise<Colors>

  /** A feature vector for each patch, without class and register tokens. */
  features(image: Image, options?: FeaturesOptions): Promise<Features>

  /** The tokens that a LLaVA-style language model receives for a picture, [tokens, width], for models with its projector. */
  visualTokens(image: Image, options?: VisualTokensOptions): Promise<{ data: Float32Array; shape: [number, number]; ms: Ms }>

  /** The tokens of a text: with special tokens, truncated, not padded. `pieces[i]` is the text of `ids[i]`. */
  tokenize(text: string, options?: CallOptions): Promise<{ ids: number[]; pieces: string[]; truncated: boolean }>

  /**
   * The training losses of CLIP and SigLIP for the logits of a batch, [texts][images]:
   * text i and picture i are a pair.
   */
  losses(logits: number[][], options?: CallOptions): Promise<Losses>

  /** Ends all workers of the model and frees their memory. Running and later calls reject with the code `'closed'`. */
  close(): void
}

/** The times of a call, in milliseconds. */
export interface Ms {
  /** Reading the pixels, including the download of a URL. */
  decode: number
  /** Resizing, cropping and normalisation. */
  preprocess: number
  /** Running the model. */
  encode: number
  /** The part of encode that waits for the GPU; 0 where none runs. */
  device: number
}

/** The result of {@link Model.rank}. */
export interface Ranking {
  /** The labels, the best first. */
  ranking: RankedLabel[]
  /** How scores are computed from logits: softmax over the labels (CLIP), or the sigmoid of each logit (SigLIP). */
  method: 'softmax' | 'sigmoid'
  ms: Ms
}

/** A label of a ranking. */
export interface RankedLabel {
  label: string
  /** The index of the label in the call. */
  index: number
  /** The cosine of the embeddings of picture and label. */
  similarity: number
  /** The similarity, scaled and shifted as upstream does. */
  logit: number
  /** From 0 to 1. */
  score: number
}

/** The result of {@link Model.classify}. */
export interface Classes {
  /** The classes, the best first. */
  classes: Class[]
  /**
   * How scores are computed from logits: softmax over all classes, or the sigmoid of each
   * logit where config.json says multi_label_classification or there is one class.
   */
  method: 'softmax' | 'sigmoid'
  ms: Ms
}

/** A class of a classifier. */
export interface Class {
  /** The name in id2label of config.json, or LABEL_n without one. */
  label: string
  /** The index of the class in the model. */
  index: number
  /** As the classifier gives it. */
  logit: number
  /** From 0 to 1. */
  score: number
}

/** The result of {@link Model.attention}. */
export interface AttentionMap {
  /**
   * [rows · columns]: the attention of the class token to each patch, not rescaled: the
   * difference of the sum to 1 is attention to other tokens. In models without a class
   * token the mean over all queries. With `full` [tokens, tokens].
   */
  data: Float32Array
  /** The shape of data. */
  shape: number[]
  /** [rows, columns] of patches. */
  grid: [number, number]
  /** The index of the block. */
  layer: number
  /** The index of the head; null for the mean over all heads. */
  head: number | null
  method: 'raw' | 'rollout' | 'pool'
}

/** The result of {@link Model.attentionStack}. */
export interface AttentionStack {
  /** [layers, heads, rows · columns] */
  data: Float32Array
  layers: number
  heads: number
  /** [rows, columns] of patches. */
  grid: [number, number]
}

/** The result of {@link Model.relevance}. */
export interface Relevance {
  method: 'dense' | 'contribution'
  /** One for each label, in the order of the call. */
  maps: LabelMap[]
}

/** The relevance of each patch for one label. */
export interface LabelMap {
  label: string
  /** [rows · columns] */
  data: Float32Array
  /**
   * [rows · columns]: data minus the mean of the maps of the other labels, or of
   * `against`. With one label and no `against`, the map of a neutral text is subtracted;
   * in a classifier, the mean over all classes.
   */
  contrast: Float32Array
  /** [rows, columns] of patches. */
  grid: [number, number]
  /** The cosine of the embeddings of picture and label. */
  similarity: number
  /** The part of the similarity that comes from no patch: class and register tokens, biases. null for `'dense'`. */
  rest: number | null
}

/** A stage of {@link Model.trace}. */
export interface Stage {
  /** The name of the stage. */
  stage: string
  /** The shape of its result. */
  shape: number[]
  /** Milliseconds since the stage before. */
  ms: number
}

/** The result of {@link Model.colors}. */
export interface Colors {
  /** [rows · columns, 3], each component scaled to 0 … 1 */
  data: Float32Array
  /** [rows, columns] of patches. */
  grid: [number, number]
  /** The fraction of the variance that each component explains. */
  explained: [number, number, number]
  ms: Ms
}

/** The result of {@link Model.features}. */
export interface Features {
  /** [patches, width], patches row by row */
  data: Float32Array
  /** [patches, width] */
  shape: [number, number]
  /** [rows, columns] of patches. */
  grid: [number, number]
  ms: Ms
}

/** The arithmetic of q8 on this device. */
export interface Q8Info {
  /**
   * The type that rows of activations are quantized to: `'int8'` where the processor
   * multiplies 8-bit numbers exactly in one instruction, `'int16'` on other processors,
   * where it is nearly as fast; `'float32'` on a GPU, which does not quantize them.
   */
  readonly rows: 'int8' | 'int16' | 'float32'
  /**
   * The q8 accuracy, measured on a picture while the model loads: the cosine between its
   * embeddings in q8 and in float32, or between its tokens in a model without an
   * embedding. null where it can't be measured: for int8 files, or on a GPU.
   */
  readonly cosine: number | null
}

/** What a model is and what runs it. Read-only. */
export interface Info {
  /** The class of the model, of config.json, for example `'CLIPModel'`; of timm's layout the architecture, for example `'vit_base_patch16_224'`. */
  readonly architecture: string
  /** model_type of config.json, for example `'clip'`; `'open_clip'` or `'timm'` in these layouts. */
  readonly modelType: string
  /**
   * The names of the calls that depend on the model and that it supports. With `attention`
   * come `attentionStack`, with `features` `colors`; `losses` needs no particular model.
   */
  readonly tasks: readonly string[]
  /** The device that computes. */
  readonly device: 'webgpu' | 'simd' | 'scalar'
  /** The number of workers that share the model. */
  readonly workers: number
  /** How the weights are stored and multiplied: see {@link LoadOptions.dtype}. */
  readonly dtype: 'f32' | 'f16' | 'q8'
  /** null for another dtype. */
  readonly q8: Q8Info | null
  /** The name of the kernels that compute. */
  readonly kernels: string
  /** The number of parameters of the loaded towers. */
  readonly parameters: number
  /** The size of the files of weights, in bytes. */
  readonly bytes: number
  /** Why a faster device does not run; '' where none is faster. */
  readonly fallback: string
  /** The GPU that computes, or that computed until the fallback. */
  readonly gpu: {
    /** '' without a GPU. */
    readonly name: string
    /** The number of pipelines that were compiled for the model. */
    readonly pipelines: number
    /** The time that compiling them took, in milliseconds. */
    readonly compileMs: number
  }
  /** The number of classes of a classifier; 0 without one. */
  readonly classes: number
  /** What is odd in the model's files without keeping it from running: a sentence each, which begins with the file and the key. */
  readonly warnings: readonly string[]
  /** The bytes of WebAssembly memory of each worker. Memory grows with the largest call and never shrinks. */
  readonly memory: { readonly wasm: readonly number[] }
  /** `'exact'`, or why this browser can't give the exact pixels of pictures. */
  readonly pixels: string
  readonly shapes: {
    /** [height, width] of the input in pixels; [0, 0] for NaFlex, which takes any size. */
    readonly image: readonly [number, number]
    /** The side of a patch, in pixels. */
    readonly patch: number
    /** [rows, columns] of patches. */
    readonly grid: readonly [number, number]
    /** The number of tokens of a picture: prefix and patches. */
    readonly tokens: number
    /** The number of class, distillation and register tokens. */
    readonly prefix: number
    /** The number of features of a token. */
    readonly width: number
    /** The number of blocks of the vision tower. */
    readonly layers: number
    /** The number of attention heads of a block. */
    readonly heads: number
    /** The length of an embedding. The sizes of pictures are 0 where a model has a text tower alone. */
    readonly embedding: number
    /** The most patches of a picture, for NaFlex; else 0. */
    readonly maxPatches: number
    /** The most tokens of a text; 0 without a text tower. */
    readonly textLength: number
    /** The number of blocks of the text tower. */
    readonly textLayers: number
    /** The number of token ids that the text tower knows; 0 without one. */
    readonly vocabulary: number
    /** The number of tokens that a picture takes in a language model; 0 without a projector. */
    readonly slots: number
  }
  /** The part of a picture that the model sees: the picture is resized, then its centre is cropped. */
  readonly preprocess: {
    /** 'cover' and 'contain' keep the aspect ratio: the picture covers the size, or is contained in it. */
    readonly resize: 'shortest-edge' | 'squash' | 'cover' | 'contain' | 'naflex' | 'none'
    /** For 'shortest-edge': the new length of the shorter side, in pixels; else 0. */
    readonly edge: number
    /** For 'squash', 'cover' and 'contain': [height, width] in pixels; else [0, 0]. */
    readonly size: readonly [number, number]
    /** [height, width] of the crop in pixels; [0, 0] without one. */
    readonly crop: readonly [number, number]
  }
  /**
   * Every request of this model, in the order in which they ended: the URL, the HTTP
   * status (0 where the host was not reached), the bytes read, after decompression, and the
   * byte of the file from which it asked. Status 200 with `from` above 0: the host sent the
   * whole file again.
   * vitrine.wasm is requested once for a page, so it is among those of the first model only.
   */
  readonly requests: readonly { readonly url: string; readonly status: number; readonly bytes: number; readonly from: number }[]
}

/** The error of every failure except an abort. The message says what to do. */
export class VitrineError extends Error {
  constructor(code: VitrineErrorCode, message: string, options?: { cause?: unknown })
  readonly name: 'VitrineError'
  readonly code: VitrineErrorCode
}

/**
 * The codes of errors.
 *
 * | code | meaning |
 * |---|---|
 * | option | an argument or option: unknown, of the wrong type, out of range |
 * | picture | a picture that is empty, broken, unreadable, or of a shape that the model does not support |
 * | config | config.json, preprocessor_config.json or processor_config.json contradicts itself or is no JSON |
 * | weights | a file of weights that is broken, incomplete, of a wrong shape or not finite, or whose pickle names what no state dict needs |
 * | tokenizer | tokenizer files that are broken or incomplete |
 * | unsupported | a valid file that needs a feature Vitrine does not have, or a browser without a feature that Vitrine needs |
 * | task | the model has no tower or head for the call |
 * | not-found | a file that does not exist |
 * | network | a host that can't be reached, or that answers with something else |
 * | integrity | a file with another hash than expected |
 * | version | the files of the folder js/ are of different builds |
 * | memory | the browser gives no more memory |
 * | device | the demanded device is not available, was lost, or computes wrong results |
 * | closed | a call after close() |
 * | internal | a bug in Vitrine, or a worker that was ended; the next call starts it anew |
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
