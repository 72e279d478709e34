// What the instructions can do at best: the loops in registers of the kernel modules.

import { createKernels } from '/js/kernels.js'

const operations = { ceiling_f32: [96, 96], ceiling_q8: [192, 384] } // a step, of plain and relaxed
const steps = 1_000_000 // some milliseconds

globalThis.contestant = {
  ready: (async () => {
    const kernels = createKernels()
    await kernels.connect(new WebAssembly.Memory({ initial: 4 }), 'all')
    const speed = (loop, build) => {
      let best = Infinity
      for (let i = 0; i < 5; i++) {
        const start = performance.now()
        kernels.imports[loop](build, steps)
        best = Math.min(best, performance.now() - start)
      }
      return (operations[loop][build - 1] * steps) / best / 1e6
    }
    const speeds = (build) => ({ f32: speed('ceiling_f32', build), q8: speed('ceiling_q8', build) })
    contestant.run = async () => ({ plain: speeds(1), relaxed: speeds(2) })
    for (let i = 0; i < 5; i++) await contestant.run()
    return {}
  })(),
}
