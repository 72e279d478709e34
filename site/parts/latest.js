/**
 * Wraps a slow task for a fast source of changes (a pen that moves). One run is active
 * at a time. Changes during a run cause exactly one more run after it, so the last state
 * is always seen, and no queue grows.
 *
 * @param {(stale: () => boolean) => Promise<void>} task reads the state when it is called;
 *   stale() tells whether the state has changed since
 * @returns {() => Promise<void>} call it at each change; resolves when no run is left
 */
export function latest(task) {
  let running = null
  let again = false

  async function runAll() {
    try {
      do {
        again = false
        await task(() => again)
      } while (again)
    } finally {
      running = null
    }
  }

  return () => {
    again = true
    return running ??= runAll()
  }
}
