// From the name of a model to the URL of its folder.

import { VitrineError, describe, typeName, wrong } from '../common/errors.js'

/** Whether a name is a hub id: see folderUrl. */
export function isHubId(name) {
  return typeof name === 'string' && /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(name)
}

/**
 * The URL of a model's folder, with its last slash. A string of exactly two names
 * with one slash between them ("google/vit-base-patch16-224") is a hub id; each name
 * consists of letters, digits and - _ . and does not begin with a dot. Everything else
 * is a URL, relative to the page: a folder of the site that looks like a hub id needs
 * ./ before it. call names the caller in errors. Throws a VitrineError of the code 'option'.
 */
export function folderUrl(call, name, { host = 'https://huggingface.co', revision } = {}) {
  if (isHubId(name)) {
    if (revision === '') throw wrong(`${call}: revision`, revision, 'a branch, tag or commit')
    const root = fetchableUrl(`${call}: host`, host)
    root.pathname = `${root.pathname.replace(/\/$/, '')}/${name}/resolve/${encodeURIComponent(revision ?? 'main')}/`
    return root.href
  }
  if (revision !== undefined) {
    throw new VitrineError('option', `${call}: revision is for models of the hub, but ${describe(String(name))} is a URL; put the revision into the URL`)
  }
  if ((typeof name !== 'string' || name === '') && typeName(name) !== 'URL') {
    throw wrong(`${call}: model`, name, 'the URL of a folder, or a hub id such as "google/vit-base-patch16-224"')
  }
  const folder = fetchableUrl(`${call}: model`, name)
  if (!folder.pathname.endsWith('/')) folder.pathname += '/'
  return folder.href
}

/** A URL of http: or https:, resolved against the page, without a fragment; argument is its name in errors. */
function fetchableUrl(argument, text) {
  let url
  try {
    url = new URL(text, globalThis.document?.baseURI ?? location.href)
  } catch {
    throw wrong(argument, String(text), 'a URL')
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw wrong(argument, url.href, 'a URL that begins with https: or http:')
  url.hash = ''
  return url
}
