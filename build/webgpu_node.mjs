// Provides WebGPU in Node, for the tests and benchmarks of GOOS=js programs: sets the
// global openDevice of js/gpu/webgpu.js, with a GPU of Node.
//
// It needs the npm package webgpu (Dawn) and a Vulkan driver. Without a graphics card it
// takes Chromium's software adapter. Without either, openDevice rejects, and the
// tests run on the scalar device; those of test/browser need a GPU in any case.
import fs from 'node:fs'
import * as webgpu from '../js/gpu/webgpu.js'

const software = '/usr/lib/chromium/vk_swiftshader_icd.json'

let gpu // lives as long as its devices: one that is collected takes them with it

globalThis.openDevice = async () => {
  // The software driver gives the same results on every test machine; VK_ICD_FILENAMES names
  // another driver.
  if (!process.env.VK_ICD_FILENAMES && fs.existsSync(software)) process.env.VK_ICD_FILENAMES = software
  process.env.XDG_RUNTIME_DIR ??= '/tmp' // the driver looks for it, though no window is opened
  const { create, globals } = await import('webgpu')
  Object.assign(globalThis, globals)
  gpu ??= create(['backend=vulkan'])
  return webgpu.openDevice(gpu)
}
