// The ceiling of the instructions, measured by loops in registers that the kernel modules hold.

import { createKernels } from '/sources/common/kernels.js'

const operations = { ceiling_f32: 96, ceiling_q8_wide: 192, ceiling_q8_bytes: 384 } // a step
const steps = 20_000_000 // tens of milliseconds: a page's clock has a resolution of 0.1 ms

globalThis.contestant = {
  ready: (async () => {
    const kernels = createKernels()
    await kernels.connect(new WebAssembly.Memory({ initial: 4 }), 'all', async (file) => (await fetch('/js/kernels/' + file)).arrayBuffer())
    const speed = (loop, build) => {
      let best = Infinity
      for (let i = 0; i < 3; i++) {
        const start = performance.now()
        kernels.imports[loop](build, steps)
        best = Math.min(best, performance.now() - start)
      }
      return (operations[loop] * steps) / best / 1e6
    }
    const q8 = (build) => speed(kernels.imports.zero_offset(build) < 0 ? 'ceiling_q8_wide' : 'ceiling_q8_bytes', build)
    const speeds = (build) => ({ f32: speed('ceiling_f32', build), q8: q8(build) })
    contestant.run = async () => ({ plain: speeds(1), relaxed: speeds(2) })
    await contestant.run()
    return {}
  })(),
}
