// Drawing on the paper by mouse, finger or pen, and by keys.

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
 * Converts a point of the screen to the canvas, whose content is letterboxed in its box.
 * @param {HTMLCanvasElement} canvas
 * @param {{clientX: number, clientY: number}} point
 * @returns {[number, number]} in pixels of the canvas; may lie outside
 */
function onCanvas(canvas, { clientX, clientY }) {
  const box = canvas.getBoundingClientRect()
  const scale = Math.min(box.width / canvas.width, box.height / canvas.height)
  return [
    (clientX - box.left - (box.width - canvas.width * scale) / 2) / scale,
    (clientY - box.top - (box.height - canvas.height * scale) / 2) / scale,
  ]
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

  /** Shows the crosshair at its position within the letterboxed canvas. */
  function show() {
    const box = canvas.getBoundingClientRect()
    const scale = Math.min(box.width / canvas.width, box.height / canvas.height)
    const [width, height] = [canvas.width * scale, canvas.height * scale]
    crosshair.style.setProperty('--x', `${canvas.offsetLeft + (box.width - width) / 2 + at.x * width}px`)
    crosshair.style.setProperty('--y', `${canvas.offsetTop + (box.height - height) / 2 + at.y * height}px`)
    crosshair.classList.toggle('down', down)
  }

  canvas.addEventListener('keydown', (event) => {
    const by = event.shiftKey ? smallStep : step
    const way = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[event.key]
    if (way) {
      at.x = Math.min(Math.max(at.x + way[0], 0), 1)
      at.y = Math.min(Math.max(at.y + way[1], 0), 1)
      if (down) pen.move(at.x * canvas.width, at.y * canvas.height)
    } else if (event.key === ' ' || event.key === 'Enter') {
      down = !down
      if (down) pen.down(at.x * canvas.width, at.y * canvas.height)
    } else if (event.key === 'Escape') down = false
    else return
    event.preventDefault()
    crosshair.hidden = false
    show()
  })
  canvas.addEventListener('blur', () => {
    down = false
    crosshair.hidden = true
  })
  canvas.addEventListener('pointerdown', () => {
    down = false
    crosshair.hidden = true
  })
}
