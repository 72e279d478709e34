// Drawing on the paper by mouse, finger or pen, and by keys.

import { arrows, within } from '../parts/keys.js'

/** Shares of the canvas that an arrow key moves the crosshair by. */
const step = 0.03
const smallStep = 0.006

/**
 * Lets the paper be drawn on.
 * @param {import('./paper.js').Paper} paper
 * @param {HTMLElement} crosshair shown while keys draw
 * @param {{tool: string, colour: string, size: number}} chosen by the visitor, now and later
 */
export function enableDrawing(paper, crosshair, chosen) {
  const pen = {
    down(x, y) {
      if (chosen.tool === 'fill') paper.fill(x, y, chosen.colour)
      else paper.beginStroke(x, y, chosen.tool === 'eraser' ? '#ffffff' : chosen.colour, chosen.size)
    },
    move(x, y) {
      if (chosen.tool !== 'fill') paper.continueStroke(x, y)
    },
  }
  drawByPointer(paper.canvas, pen)
  drawByKeys(paper.canvas, crosshair, pen)
  addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input:not([type=radio]):not([type=range]):not([type=checkbox]), select, textarea')
    if (typing || event.shiftKey || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'z') return
    event.preventDefault()
    paper.undo()
  })
}

/**
 * Finds the canvas's content on the screen: it is letterboxed in the element's box.
 * @param {HTMLCanvasElement} canvas
 * @returns {{left: number, top: number, scale: number}} within the box, and screen pixels for one of the canvas
 */
function contentOf(canvas) {
  const { width, height } = canvas.getBoundingClientRect()
  const scale = Math.min(width / canvas.width, height / canvas.height)
  return { left: (width - canvas.width * scale) / 2, top: (height - canvas.height * scale) / 2, scale }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{clientX: number, clientY: number}} point of the screen
 * @returns {[number, number]} in pixels of the canvas; may be outside
 */
function onCanvas(canvas, { clientX, clientY }) {
  const box = canvas.getBoundingClientRect()
  const { left, top, scale } = contentOf(canvas)
  return [(clientX - box.left - left) / scale, (clientY - box.top - top) / scale]
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{down: (x: number, y: number) => void, move: (x: number, y: number) => void}} pen
 */
function drawByPointer(canvas, pen) {
  let drawing = null
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || drawing !== null) return
    drawing = event.pointerId
    canvas.setPointerCapture(drawing)
    pen.down(...onCanvas(canvas, event))
  })
  canvas.addEventListener('pointermove', (event) => {
    if (event.pointerId !== drawing) return
    const passed = event.getCoalescedEvents?.() ?? []
    for (const point of passed.length ? passed : [event]) pen.move(...onCanvas(canvas, point))
  })
  for (const end of ['pointerup', 'pointercancel']) {
    canvas.addEventListener(end, (event) => { if (event.pointerId === drawing) drawing = null })
  }
}

/**
 * Arrow keys move a crosshair over the paper; Space or Enter puts the pen down and up.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLElement} crosshair
 * @param {{down: (x: number, y: number) => void, move: (x: number, y: number) => void}} pen
 */
function drawByKeys(canvas, crosshair, pen) {
  const at = { x: 0.5, y: 0.5 } // shares of the canvas
  let down = false

  canvas.addEventListener('keydown', (event) => {
    const direction = arrows[event.key]
    if (direction) {
      const by = event.shiftKey ? smallStep : step
      at.x = within(at.x + direction[0] * by, 1)
      at.y = within(at.y + direction[1] * by, 1)
      if (down) pen.move(at.x * canvas.width, at.y * canvas.height)
    } else if (event.key === ' ' || event.key === 'Enter') {
      down = !down
      if (down) pen.down(at.x * canvas.width, at.y * canvas.height)
    } else if (event.key === 'Escape') down = false
    else return
    event.preventDefault()
    const { left, top, scale } = contentOf(canvas)
    crosshair.style.setProperty('--x', `${canvas.offsetLeft + left + at.x * canvas.width * scale}px`)
    crosshair.style.setProperty('--y', `${canvas.offsetTop + top + at.y * canvas.height * scale}px`)
    crosshair.classList.toggle('down', down)
    crosshair.hidden = false
  })
  for (const end of ['blur', 'pointerdown']) {
    canvas.addEventListener(end, () => {
      down = false
      crosshair.hidden = true
    })
  }
}
