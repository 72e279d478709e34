// From the name of a model to the address of its folder.

import { VitrineError, describe, typeName, wrong } from '../common/errors.js'

/** Whether a name is a hub id: see folderOf. */
export function isHubId(name) {
  return typeof name === 'string' && /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(name)
}

/**
 * The address of a model's folder, with its last slash. A string of exactly two
 * names around one slash ("openai/clip-vit-base-patch32") is a hub id; each
 * consists of letters, digits, - _ . and does not begin with a dot. All else is
 * a URL, relative to the page: a folder of the site that looks like a hub id is
 * written with ./ before it.
 */
export function folderOf(name, { host = 'https://huggingface.co', revision } = {}) {
  if (isHubId(name)) {
    if (revision === '') throw wrong('load: revision', revision, 'a branch, tag or commit')
    const root = address('load: host', host)
    root.pathname = `${root.pathname.replace(/\/$/, '')}/${name}/resolve/${encodeURIComponent(revision ?? 'main')}/`
    return root.href
  }
  if (revision !== undefined) {
    throw new VitrineError('option', `load: revision is for models of the hub, but ${describe(String(name))} is an address; put the revision into it`)
  }
  if ((typeof name !== 'string' || name === '') && typeName(name) !== 'URL') {
    throw wrong('load: model', name, 'the URL of a folder, or a hub id such as "openai/clip-vit-base-patch32"')
  }
  const folder = address('load: model', name)
  if (!folder.pathname.endsWith('/')) folder.pathname += '/'
  return folder.href
}

/** A URL that can be fetched, relative to the page. */
function address(where, text) {
  let url
  try {
    url = new URL(text, globalThis.document?.baseURI ?? location.href)
  } catch {
    throw wrong(where, String(text), 'a URL')
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw wrong(where, url.href, 'an address that begins with https: or http:')
  url.hash = ''
  return url
}
