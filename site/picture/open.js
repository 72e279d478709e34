// Pictures from files: from the picker, from a drop anywhere on the page, and from the
// clipboard.

/** The longest side that is taken without scaling, in pixels; a longer one is scaled down first. */
const longestSide = 4096

/**
 * Reads the pixels of a picture. Transparent parts are put on white, so that the model
 * gets what is seen on the paper.
 * @param {CanvasImageSource} source
 * @param {number} width of the source, in pixels
 * @param {number} height
 * @returns {ImageData} opaque, sRGB
 */
export function readPixels(source, width, height) {
  const scale = Math.min(1, longestSide / Math.max(width, height))
  const canvas = document.createElement('canvas')
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
 * Opens a file on the paper.
 * @param {import('./paper.js').Paper} paper
 * @param {Blob} file
 * @param {(words: string) => void} announce
 */
export async function openFile(paper, file, announce) {
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
 * Decodes a picture. Only an img element decodes SVG.
 * @param {Blob} file
 * @returns {Promise<ImageBitmap|HTMLImageElement>} Rejects where the browser can't decode it.
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
 * Takes pictures that are dropped on the page or pasted.
 * @param {HTMLElement} curtain covers the page while a file is dragged over it
 * @param {(file: File) => void} take
 */
export function acceptPictures(curtain, take) {
  let depth = 0 // dragenter and dragleave are sent to every element that the file passes
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
    take(event.dataTransfer.files[0])
  })
  addEventListener('paste', (event) => {
    const file = [...event.clipboardData.files].find((each) => each.type.startsWith('image/'))
    if (!file) return
    event.preventDefault()
    take(file)
  })
}
