// Workers where a page requires Trusted Types.

import { VitrineError } from './errors.js'

let policy

/**
 * Worker, taking the URL that is given to it as trusted. Where a page requires
 * Trusted Types for scripts, a worker's URL must come from a policy; this one,
 * named vitrine, vouches for Vitrine's own workers only.
 */
export function trustedWorker() {
  const { trustedTypes, Worker } = globalThis
  if (!trustedTypes) return Worker
  try {
    policy ??= trustedTypes.createPolicy('vitrine', { createScriptURL: (url) => url })
  } catch (cause) {
    throw new VitrineError('unsupported', `the page's policy allows no Trusted Types policy of the name vitrine; add it to trusted-types (${cause.message})`, { cause })
  }
  return class extends Worker {
    constructor(url, options) {
      super(policy.createScriptURL(url.href), options)
    }
  }
}
