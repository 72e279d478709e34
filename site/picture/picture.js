import { byId, make } from './dom.js'

/** The drawings that come with the model, and what they show. */
export const samples = ['cat', 'house', 'sailboat', 'mushroom', 'fish', 'umbrella', 'bicycle', 'key']
const sampleFolder = 'models/emoji-clip/reference/'

/** The longest side that is taken as it is; a longer one is scaled down first. */
const longestSide = 4096

/**
 * Reads the pixels of a picture. Transparent parts are laid on white, so that the
 * model gets what is seen on the paper.
 * @param {CanvasImageSource} source
 * @param {number} width of the source, in pixels
 * @param {number} height
 * @returns {ImageData} opaque, sRGB
 */
function readPixels(source, width, height) {
  const scale = Math.min(1, longestSide / Math.max(width, height))
  const canvas = make('canvas')
  canvas.width = Math.max(1, Math.round(width * scale))
  canvas.height = Math.max(1, Math.round(height * scale))
  const context = canvas.getContext('2d', { alpha: false, willReadFrequently: true })
  context.fillStyle = '#ffffff'
  context.fillRect(0, 0, canvas.width, canvas.height)
  context.imageSmoothingQuality = 'high'
  context.drawImage(source, 0, 0, canvas.width, canvas.height)
  return context.getImageData(0, 0, canvas.width, canvas.height)
}

/**
 * Lays a file on the paper.
 * @param {import('./paper.js').Paper} paper
 * @param {Blob} file
 * @param {(words: string) => void} announce
 */
async function openFile(paper, file, announce) {
  const name = file.name || 'pasted picture'
  try {
    const bitmap = await decode(file)
    paper.open(bitmap, readPixels(bitmap, bitmap.width, bitmap.height), name)
    announce(`Opened ${name}`)
  } catch {
    announce(`${name} is not a picture that this browser can read. PNG, JPEG, WebP, GIF and SVG are.`)
  }
}

/**
 * Decodes a picture; an SVG file only an img element can.
 * @param {Blob} file
 * @returns {Promise<ImageBitmap|HTMLImageElement>} Rejects where the browser can't.
 */
async function decode(file) {
  if (file.type !== 'image/svg+xml') return createImageBitmap(file)
  const image = new Image()
  const address = URL.createObjectURL(file)
  try {
    image.src = address
    await image.decode()
    if (!image.naturalWidth) throw new Error('an SVG without a size')
    image.width = image.naturalWidth
    image.height = image.naturalHeight
    return image
  } finally {
    URL.revokeObjectURL(address)
  }
}

/**
 * Takes pictures from the picker, from a drop anywhere on the page, and from the
 * clipboard.
 * @param {import('./paper.js').Paper} paper
 * @param {(words: string) => void} announce
 */
export function acceptPictures(paper, announce) {
  const picker = byId('file')
  byId('browse').addEventListener('click', () => picker.click())
  picker.addEventListener('change', () => {
    if (picker.files[0]) openFile(paper, picker.files[0], announce)
    picker.value = '' // so that the same file can be taken again
  })

  const curtain = byId('drop')
  let depth = 0 // dragenter and dragleave come for every element on the way
  const bringsFiles = (event) => event.dataTransfer?.types.includes('Files')
  addEventListener('dragenter', (event) => {
    if (bringsFiles(event)) curtain.hidden = ++depth === 0
  })
  addEventListener('dragleave', (event) => {
    if (bringsFiles(event) && --depth === 0) curtain.hidden = true
  })
  addEventListener('dragover', (event) => { if (bringsFiles(event)) event.preventDefault() })
  addEventListener('drop', (event) => {
    depth = 0
    curtain.hidden = true
    if (!bringsFiles(event)) return
    event.preventDefault()
    openFile(paper, event.dataTransfer.files[0], announce)
  })

  addEventListener('paste', (event) => {
    const file = [...event.clipboardData.files].find((each) => each.type.startsWith('image/'))
    if (!file) return
    event.preventDefault()
    openFile(paper, file, announce)
  })
}

/**
 * Shows the sample drawings as buttons.
 * @param {import('./paper.js').Paper} paper
 * @returns {(name: string) => Promise<void>} opens the sample of that name
 */
export function showSamples(paper) {
  const images = new Map()
  const open = async (name) => {
    const image = images.get(name)
    await image.decode()
    paper.open(image, readPixels(image, image.naturalWidth, image.naturalHeight), sampleUrl(name))
  }
  for (const name of samples) {
    const image = make('img', { src: sampleUrl(name), alt: `Drawing of a ${name}`, width: 56, height: 56, draggable: 'false' })
    const button = make('button', { type: 'button', class: 'sample', 'data-sample': name }, image)
    images.set(name, image)
    button.addEventListener('click', () => open(name))
    byId('samples').append(make('li', {}, button))
  }
  return open
}

/**
 * @param {string} name one of samples
 * @returns {string} its address, relative to the page
 */
export function sampleUrl(name) {
  return `${sampleFolder}${name}.png`
}
