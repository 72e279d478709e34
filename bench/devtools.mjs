// The DevTools protocol of workers. Playwright gives that of pages only.

/**
 * The DevTools protocol of a page's workers, count in all: first the worker that the page
 * started, then the workers that this worker started. Each is {send(method, params),
 * on(event, listener)}.
 */
export async function protocolsOf(context, page, count) {
  const [first] = await childrenOf(await context.newCDPSession(page), 1)
  return [first, ...(count > 1 ? await childrenOf(first, count - 1) : [])]
}

/** The protocols of count workers that a page or a worker has started. */
async function childrenOf(parent, count) {
  const children = []
  const complete = new Promise((resolve) => {
    parent.on('Target.attachedToTarget', ({ sessionId }) => {
      if (children.push(childOf(parent, sessionId)) === count) resolve()
    })
  })
  await parent.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false })
  await complete
  return children
}

/** The protocol of one worker. Its messages are wrapped in those of its parent. */
function childOf(parent, sessionId) {
  const asked = []
  const listeners = {}
  parent.on('Target.receivedMessageFromTarget', ({ sessionId: from, message }) => {
    if (from !== sessionId) return
    const { id, result, error, method, params } = JSON.parse(message)
    if (id === undefined) return listeners[method]?.forEach((listener) => listener(params))
    if (error) asked[id].reject(new Error(error.message))
    else asked[id].resolve(result)
  })
  return {
    on: (event, listener) => (listeners[event] ??= []).push(listener),
    send: (method, params = {}) => new Promise((resolve, reject) => {
      const id = asked.push({ resolve, reject }) - 1
      parent.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method, params }) }).catch(reject)
    }),
  }
}
