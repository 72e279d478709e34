// Reads and writes safetensors: 8 bytes with the header's length, a header in JSON,
// then the values, little-endian.

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

/** {name: {shape, data: Float32Array}} of all tensors of a file; their dtypes are F32 or F16. */
export function readTensors(path) {
  const file = readFileSync(path)
  const start = 8 + Number(file.readBigUInt64LE(0))
  const { __metadata__, ...header } = JSON.parse(file.subarray(8, start))
  const tensors = {}
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(header)) {
    const bytes = file.buffer.slice(file.byteOffset + start + from, file.byteOffset + start + to)
    if (dtype === 'F32') tensors[name] = { shape, data: new Float32Array(bytes) }
    else if (dtype === 'F16') tensors[name] = { shape, data: Float32Array.from(new Uint16Array(bytes), fromHalf) }
    else throw new Error(`${path}: ${name} has the dtype ${dtype}; want F32 or F16`)
  }
  return tensors
}

/** The value of an IEEE 754 half float, given its 16 bits. */
function fromHalf(bits) {
  const sign = bits >> 15 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1024 + fraction) * 2 ** (exponent - 25)
}

/**
 * Writes float32 tensors. tensors lists [name, shape, fill]; fill(data) fills a
 * Float32Array. Only one tensor is in memory at a time.
 */
export function writeTensors(path, tensors) {
  const header = {}
  let end = 0
  const sizes = tensors.map(([, shape]) => shape.reduce((a, b) => a * b, 1))
  tensors.forEach(([name, shape], i) => {
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + 4 * sizes[i]] }
    end += 4 * sizes[i]
  })
  const text = JSON.stringify(header)
  const head = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, ' ')
  head.writeBigUInt64LE(BigInt(head.length - 8))
  head.write(text, 8)
  const file = openSync(path, 'w')
  try {
    writeSync(file, head)
    tensors.forEach(([, , fill], i) => {
      const data = new Float32Array(sizes[i])
      fill(data)
      writeSync(file, new Uint8Array(data.buffer))
    })
  } finally {
    closeSync(file)
  }
}
