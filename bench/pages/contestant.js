// What the pages of all models have in common.

/** The job of this page, from its address. */
export const job = JSON.parse(decodeURIComponent(location.hash.slice(1)))

/**
 * Makes the page a contestant. start() resolves to {prepare, infer, info, tokens}:
 * infer(await prepare(input), all) to {embedding, logits}; all asks for all logits. The
 * runner then uses
 *
 *   contestant.ready        {first: ms from navigation to the first result, output, info}
 *   contestant.run(times)   ms of one inference, the mean of that many
 *   contestant.device()     the ms of the last run that waited for the GPU; NaN where they are unknown
 *   contestant.outputs(inputs)  the outputs of each input
 *   contestant.tokens(text)     its ids
 */
export function enter(start) {
  const plain = ({ embedding, logits }) => ({ embedding: [...embedding], logits: logits && [...logits] })
  let waited = NaN
  globalThis.contestant = {}
  contestant.ready = (async () => {
    const { prepare, infer, info, tokens } = await start()
    const input = await prepare(job.input)
    const result = await infer(input)
    const first = performance.now()
    contestant.tokens = tokens
    contestant.run = async (times) => {
      const start = performance.now()
      let device = 0
      for (let i = 0; i < times; i++) device += (await infer(input)).ms?.device ?? NaN
      waited = device / times
      return (performance.now() - start) / times
    }
    contestant.device = () => waited
    contestant.outputs = async (inputs) => {
      const outputs = []
      for (const one of inputs) outputs.push(plain(await infer(await prepare(one), true)))
      return outputs
    }
    return { first, info, output: plain(result) }
  })()
  contestant.ready.catch(() => {}) // the runner awaits it
}
