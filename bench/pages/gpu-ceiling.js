// The ceiling of an adapter: multiplications and additions in registers.

import { openDevice } from '/js/webgpu.js'

globalThis.contestant = {
  ready: (async () => {
    const device = await openDevice()
    await device.compile([{ name: 'peak', code: await (await fetch('/peak.wgsl')).text() }])
    const most = 1 << 13 // workgroups of 64 threads; each writes 16 bytes
    const arena = device.buffer(most * 64 * 16, 'arena')
    const params = device.buffer(256, 'params')
    const results = device.buffer(256, 'results')
    const run = device.runGroup(arena, params)
    const unused = device.weightGroup(device.buffer(256, 'weights'), 0, 256, 0, 256)
    const pass = async (groups, rounds) => {
      const values = new DataView(new ArrayBuffer(8))
      values.setUint32(0, rounds, true)
      values.setFloat32(4, 0.5, true)
      device.write(params, 0, values, 8)
      const program = device.program([[0, run, 0, unused, groups, 1, 1], [arena, 0, results, 0, 256]])
      const before = device.waited
      await device.run(program, results, 256)
      device.freeProgram(program)
      return device.waited - before
    }
    let [groups, rounds] = [64, 1]
    while ((await pass(groups, rounds)) < 100) { // long enough that the submission takes no part of it
      if (groups < most) groups *= 2
      else rounds *= 2
    }
    contestant.run = async () => (groups * 64 * rounds * 2 * 8 * 4 * 64) / (await pass(groups, rounds)) / 1e6
    return device.about
  })(),
}
contestant.ready.catch(() => {}) // the runner awaits it
