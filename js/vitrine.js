// Vision transformers in the browser: loads a model and answers questions about
// pictures. vitrine.d.ts describes everything that is exported here.
//
// The model runs in a module worker of its own, so the page stays responsive. The
// scripts are sorted by where they run: page/ in the page, worker/ in the model's
// worker, shares/ in the workers that share a model, gpu/ for WebGPU, common/ in
// several of these. The build bundles them into one folder: vitrine.js, worker.js,
// share-worker.js and webgpu.js beside vitrine.wasm and kernels/. Paths that are
// resolved against import.meta.url are those of the built folder.

import { VitrineError } from './common/errors.js'
import { Connection } from './page/connection.js'
import { folderUrl } from './page/folder.js'
import { Model } from './page/model.js'
import { checkedInspect, checkedLoad } from './page/options.js'
import { inspectModel } from './page/start.js'

export { VitrineError }

/** The build. The worker and vitrine.wasm must be of the same build. */
export const version = 'dev'

/**
 * Loads a model: resolves to a Model (page/model.js). nameOrUrl is the URL of a folder
 * or a hub id (page/folder.js). An abort terminates the worker and leaves nothing
 * behind. Rejects with a VitrineError, or with signal.reason after an abort.
 */
export async function load(nameOrUrl, options) {
  const { signal, onProgress, device = 'auto', dtype = 'auto', kernels = 'auto', workers = 'auto', integrity = '', revision, host, ...others } = checkedLoad(options)
  const folder = folderUrl('load', nameOrUrl, { host, revision })
  signal?.throwIfAborted()
  const message = { type: 'load', version, folder, device, dtype, kernels, workers: workers === 'auto' ? 0 : workers, integrity, network: network(others) }
  return new Model(await Connection.open(nameOrUrl, message, { signal, onProgress, fetch: others.fetch }))
}

/** The field network of the worker's first message. */
function network({ cache = 'default', headers = {}, stallMs = 30_000, retryMs = 500, fetch }) {
  return { cache, headers: { ...headers }, stallMs, retryMs, ownFetch: fetch !== undefined }
}

/**
 * Says what a model's folder holds and whether load would load it, without its weights:
 * resolves to an Inspection of vitrine.d.ts. What keeps the model from loading is in
 * the result. Rejects with a VitrineError for wrong options and for a page that can't run
 * Vitrine, or with signal.reason after an abort.
 */
export async function inspect(nameOrUrl, options) {
  const { signal, size = null, revision, host, ...others } = checkedInspect(options)
  const folder = folderUrl('inspect', nameOrUrl, { host, revision })
  signal?.throwIfAborted()
  return inspectModel(nameOrUrl, { type: 'inspect', version, folder, network: network(others), size }, { signal, fetch: others.fetch })
}
