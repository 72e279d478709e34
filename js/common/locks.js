// How the end of a worker is seen. A worker that the browser ends, or that ends
// itself, tells nobody; but the locks that it holds become free.

/** A name for the lock of a worker. */
export const lockName = () => `vitrine ${Math.random()}`

/** Holds a lock as long as this worker lives, where the browser has locks. Resolves when it is held. */
export function hold(lock) {
  return new Promise((resolve) => {
    if (!navigator.locks) return resolve() // the page is not secure
    navigator.locks
      .request(lock, () => {
        resolve()
        return new Promise(() => {})
      })
      .catch(resolve) // as in a frame without an origin
  })
}

/** Calls ended when a lock that is held now becomes free, unless the signal is aborted before. */
export function watch(lock, signal, ended) {
  navigator.locks?.request(lock, { signal }, ended).catch(() => {})
}
