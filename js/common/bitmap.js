// What the page and the worker share about pictures: bitmaps and their errors.

import { VitrineError } from './errors.js'

/** Options of every createImageBitmap: the file's own colour values, EXIF orientation applied. */
export const bitmapOptions = { premultiplyAlpha: 'none', colorSpaceConversion: 'none', imageOrientation: 'from-image' }

/** A VitrineError of the code 'picture'. name is the argument, element or URL. */
export function pictureError(name, what, cause) {
  return new VitrineError('picture', `${name}: ${what}`, { cause })
}

/** The error of a picture from another origin whose pixels the browser keeps from the page. */
export function taintedError(name, cause) {
  return pictureError(name, 'comes from another site that does not let this page read its pixels; have it served with CORS headers, and set crossorigin="anonymous" on the element', cause)
}
