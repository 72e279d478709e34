// Workers on pages that require Trusted Types.

import { VitrineError } from './errors.js'

let policy

/**
 * The class Worker, or on pages that require Trusted Types a subclass that marks its
 * URL as trusted. The policy is named vitrine; it is used for Vitrine's own scripts
 * only. Throws a VitrineError of the code 'unsupported' where the page allows no
 * policy of this name.
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
