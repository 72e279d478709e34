// A loaded model as the caller sees it: checks the arguments of each call and passes
// the call on to the connection. vitrine.d.ts describes the methods.

import { wrong } from '../common/errors.js'
import { snapshot, snapshots } from './image.js'
import { checked, checkedTexts } from './options.js'

/** The result of load. */
export class Model {
  #connection

  /** connection is a Connection whose worker has loaded the model. */
  constructor(connection) {
    this.#connection = connection
  }

  /** What the model is and what runs it, as it is now: a frozen object. */
  get info() {
    return frozen(this.#connection.info)
  }

  /** Resolves to {embedding, ms} of an image. */
  async embedImage(image, options) {
    const { normalize = true, ...rest } = checked('embedImage', options)
    return this.#connection.call('embedImage', { ...rest, raw: !normalize }, snapshot(image))
  }

  /** Resolves to {embeddings, ms} of images, in their order. */
  async embedImages(images, options) {
    const { normalize = true, ...rest } = checked('embedImages', options)
    return this.#connection.call('embedImages', { ...rest, raw: !normalize }, snapshots(images))
  }

  /** Resolves to {embeddings, truncated} of texts, in their order. */
  async embedText(texts, options) {
    const { normalize = true, ...rest } = checked('embedText', options)
    return this.#connection.call('embedText', { ...withTemplates(rest), raw: !normalize, texts: checkedTexts('texts', texts) })
  }

  /** embedText with progress. */
  async embedTexts(texts, options) {
    const { normalize = true, ...rest } = checked('embedTexts', options)
    return this.#connection.call('embedText', { ...withTemplates(rest), raw: !normalize, texts: checkedTexts('texts', texts) })
  }

  /** Resolves to {ranking, method, ms}: labels by how well they fit an image. */
  async rank(image, labels, options) {
    const rest = withTemplates(checked('rank', options))
    return this.#connection.call('rank', { ...rest, texts: checkedTexts('labels', labels) }, snapshot(image))
  }

  /** Resolves to {classes, ms}: the most probable classes of an image. */
  async classify(image, options) {
    return this.#connection.call('classify', checked('classify', options), snapshot(image))
  }

  /** Resolves to {data, shape, grid, …}: one attention map of an image. */
  async attention(image, options) {
    return this.#connection.call('attention', checked('attention', options), snapshot(image))
  }

  /** Resolves to {data, layers, heads, grid}: all attention maps of an image. */
  async attentionStack(image, options) {
    return this.#connection.call('attentionStack', checked('attentionStack', options), snapshot(image))
  }

  /** Resolves to {method, maps}: for each label, the relevance of the patches of an image. */
  async relevance(image, labels, options) {
    const rest = withTemplates(checked('relevance', options))
    return this.#connection.call('relevance', { ...rest, texts: checkedTexts('labels', labels) }, snapshot(image))
  }

  /** Resolves to [{stage, shape, ms}]: the stages of the model for an image. */
  async trace(image, options) {
    return this.#connection.call('trace', checked('trace', options), snapshot(image))
  }

  /** Resolves to {data, grid, explained, ms}: a colour for each patch, from the principal components of its features. */
  async colors(image, options) {
    return this.#connection.call('colors', checked('colors', options), snapshot(image))
  }

  /** Resolves to {data, shape, grid, ms}: a feature vector for each patch of an image. */
  async features(image, options) {
    return this.#connection.call('features', checked('features', options), snapshot(image))
  }

  /** Resolves to {data, shape, ms}: the tokens that a language model receives for an image. */
  async visualTokens(image, options) {
    return this.#connection.call('visualTokens', checked('visualTokens', options), snapshot(image))
  }

  /** Resolves to {clip, siglip, pairs, mean}: the losses of a batch of pairs; logits are [texts][images]. */
  async losses(logits, options) {
    const square = Array.isArray(logits) && logits.length > 0 && logits.every((row) => Array.isArray(row) && row.length === logits.length && row.every(Number.isFinite))
    if (!square) throw wrong('logits', logits, 'a square of numbers: one row a text, one column a picture, pairs on the diagonal')
    return this.#connection.call('losses', { ...checked('losses', options), logits: logits.flat() })
  }

  /** Resolves to {ids, pieces, truncated}: the tokens of a text. */
  async tokenize(text, options) {
    if (typeof text !== 'string') throw wrong('text', text, 'a string')
    return this.#connection.call('tokenize', { ...checked('tokenize', options), text })
  }

  /** Terminates the worker and frees all memory. Running and later calls reject with the code 'closed'. */
  close() {
    this.#connection.close()
  }
}

/** Call options with template as an array, empty without templates. */
function withTemplates({ template, ...rest }) {
  return { ...rest, template: template === undefined ? [] : [template].flat() }
}

/** A deeply frozen copy of plain data. */
function frozen(value) {
  if (Object(value) !== value) return value
  return Object.freeze(Array.isArray(value) ? value.map(frozen) : Object.fromEntries(Object.entries(value).map(([key, v]) => [key, frozen(v)])))
}
