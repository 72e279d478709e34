// Detects the end of a worker. A worker that the browser ends, or that ends itself,
// sends no message; but the browser releases the Web Locks that it holds.

/** A new name for the lock of a worker. */
export const lockName = () => `vitrine ${Math.random()}`

/**
 * Holds a lock for the rest of this worker's life. Resolves when the lock is held, or
 * when the browser gives none.
 */
export function holdLock(name) {
  return new Promise((resolve) => {
    if (!navigator.locks) return resolve() // the page is no secure context
    navigator.locks
      .request(name, () => {
        resolve()
        return new Promise(() => {})
      })
      .catch(resolve) // for example in a frame with an opaque origin
  })
}

/** Calls released when a lock that a worker holds now is released; never once the signal is aborted. */
export function watchLock(name, signal, released) {
  navigator.locks?.request(name, { signal }, released).catch(() => {})
}
