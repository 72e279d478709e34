/**
 * Wraps a slow task for a fast source of changes (a pen that moves): one run at a
 * time, and after a change another run, however many changes came meanwhile. The
 * last state is therefore always seen, and none waits in a queue.
 *
 * @param {(stale: () => boolean) => Promise<void>} task sees the state as it is
 *   when called; stale() tells whether it has changed since
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
