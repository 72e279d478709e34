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
 * ./ before it. host may be a template with {model}, {revision} and {file}; the URL has
 * {file} then, in place of the name of a file. call names the caller in errors. Throws a
 * VitrineError of the code 'option'.
 */
export function folderUrl(call, name, { host = 'https://huggingface.co', revision } = {}) {
  if (isHubId(name)) {
    if (revision === '') throw wrong(`${call}: revision`, revision, 'a branch, tag or commit')
    if (host.includes('{')) return templateUrl(call, name, host, revision)
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

/** folderUrl for a template. */
function templateUrl(call, name, template, revision) {
  const values = { model: name, revision: encodeURIComponent(revision ?? 'main'), file: '{file}' }
  const unknown = template.replace(/\{(model|revision|file)\}/g, '')
  if (/[{}]/.test(unknown) || !template.includes('{file}') || !template.includes('{model}') || (revision && !template.includes('{revision}'))) {
    throw wrong(`${call}: host`, template, 'a URL, or a template with {model}, {file} and, where a revision is given, {revision}')
  }
  const { href } = fetchableUrl(`${call}: host`, template.replace(/\{(\w+)\}/g, (_, key) => values[key]))
  return href.replaceAll('%7Bfile%7D', '{file}') // as paths have it
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
