// Brings WebGPU to Node, for the tests and benchmarks of GOOS=js programs: sets
// openDevice, what js/webgpu.js has under this name, with a GPU of Node's own.
//
// It needs the npm package webgpu (Dawn) and a Vulkan driver. Where there is no
// graphics card, Chromium's software one does. Without either, openDevice rejects
// and the tests run on the scalar device; those of test/browser need a GPU in any case.
import fs from 'node:fs'
import * as webgpu from '../js/webgpu.js'

const software = '/usr/lib/chromium/vk_swiftshader_icd.json'

let gpu // lives as long as its devices: one that is collected takes them with it

globalThis.openDevice = async () => {
  // No driver of a test machine is as steady as the software one; VK_ICD_FILENAMES
  // names another.
  if (!process.env.VK_ICD_FILENAMES && fs.existsSync(software)) process.env.VK_ICD_FILENAMES = software
  process.env.XDG_RUNTIME_DIR ??= '/tmp' // windows are not wanted, but the driver looks for them
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  gpu ??= create(['backend=vulkan'])
  return webgpu.openDevice(gpu)
}
