// How numbers and failures are written on the page.

/**
 * @param {number} bytes
 * @returns {string} in powers of 1,000: 3.6 MB
 */
export function sayBytes(bytes) {
  if (bytes < 1000) return `${bytes} B`
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(bytes < 1e5 ? 1 : 0)} kB`
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`
}

/**
 * @param {number} count
 * @returns {string} in words from a million on: 1.78 million
 */
export function sayCount(count) {
  if (count >= 1e6) return `${(count / 1e6).toPrecision(3)} million`
  return count.toLocaleString('en')
}

/**
 * @param {number} score 0 to 1
 * @returns {string} as a percentage: 88.9 %
 */
export function sayScore(score) {
  const percent = score * 100
  return percent > 0 && percent < 0.1 ? '< 0.1 %' : `${percent.toFixed(1)} %`
}

/**
 * @param {Error & {code?: string}} error
 * @returns {string} its message, and the code that programs see
 */
export function sayError(error) {
  return error.code && typeof error.code === 'string' ? `${error.message} (${error.code})` : error.message
}
