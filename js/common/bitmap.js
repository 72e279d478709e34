// What the page and the worker agree on about ImageBitmaps.

import { VitrineError } from './errors.js'

/** How a bitmap is made wherever one is: the picture's own numbers, upright. */
export const asItIs = { premultiplyAlpha: 'none', colorSpaceConversion: 'none', imageOrientation: 'from-image' }

/** A VitrineError of the code 'picture'. */
export function picture(where, what, cause) {
  return new VitrineError('picture', `${where}: ${what}`, { cause })
}

/** The error of pixels that another site did not allow to be read. */
export function tainted(where, cause) {
  return picture(where, 'comes from another site that does not let this page read its pixels; have it served with CORS headers, and set crossorigin="anonymous" on the element', cause)
}
