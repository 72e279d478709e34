// Brings WebGPU to Node, for tests and benchmarks of GOOS=js programs:
//
//     NODE_OPTIONS=--import=$PWD/build/webgpu_node.mjs go test -exec … ./engine/gpu
//
// It needs the npm package webgpu (Dawn) and a Vulkan driver. Where there is no
// graphics card, Chromium's software one does; VK_ICD_FILENAMES names it. Without
// the package nothing is set, and the tests that need it skip.
import fs from 'node:fs'
import { openDevice } from '../js/webgpu.js'

const software = '/usr/lib/chromium/vk_swiftshader_icd.json'
if (!process.env.VK_ICD_FILENAMES && fs.existsSync(software)) process.env.VK_ICD_FILENAMES = software
// Windows are not wanted, but the driver looks for them.
process.env.XDG_RUNTIME_DIR ??= '/tmp'

try {
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  const gpu = create(['backend=vulkan'])
  globalThis.openDevice = () => openDevice(gpu)
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
}
