import { byId, make } from './dom.js'

/** Colours to draw and fill with, as the drawings know them that the model learned from. */
const colours = [
  ['black', '#1a1a1a'], ['grey', '#8d9399'], ['white', '#ffffff'],
  ['brown', '#8a5530'], ['skin', '#f4c79b'], ['red', '#dd2e2e'],
  ['orange', '#f4900c'], ['yellow', '#ffcc33'], ['light green', '#7cc243'],
  ['green', '#2f8a3c'], ['light blue', '#6cc5f0'], ['blue', '#2b6fd6'],
  ['purple', '#8e5bc9'], ['pink', '#f48fb1'],
]
const tools = [['pen', 'Pen'], ['fill', 'Fill'], ['eraser', 'Eraser']]
const sizes = [['Fine', 6], ['Medium', 14], ['Broad', 34], ['Very broad', 76]]

/** Shares of the canvas that an arrow key moves the cross by. */
const step = 0.03
const smallStep = 0.006

/**
 * Lets the paper be drawn on: by mouse, finger or pen, and by keys.
 * @param {import('./paper.js').Paper} paper
 */
export function enableDrawing(paper) {
  const chosen = { tool: 'pen', colour: colours[0][1], size: sizes[1][1] }
  addChoices(byId('colours'), 'colour', colours.map(([name, value]) => ({ name, value, swatch: value })), chosen)
  addChoices(byId('tools'), 'tool', tools.map(([value, name]) => ({ name, value, text: name })), chosen)
  addChoices(byId('sizes'), 'size', sizes.map(([name, value]) => ({ name, value, dot: value })), chosen)

  const pen = {
    down(x, y) {
      if (chosen.tool === 'fill') paper.fill(x, y, chosen.colour)
      else paper.beginStroke(x, y, chosen.tool === 'eraser' ? '#ffffff' : chosen.colour, Number(chosen.size))
    },
    move(x, y) {
      if (chosen.tool !== 'fill') paper.continueStroke(x, y)
    },
  }
  drawByPointer(paper.canvas, pen)
  drawByKeys(paper.canvas, pen)
  byId('undo').addEventListener('click', () => paper.undo())
  byId('clear').addEventListener('click', () => paper.clear())
  addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input:not([type=radio]):not([type=range]):not([type=checkbox]), select, textarea')
    if (typing || event.shiftKey || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'z') return
    event.preventDefault()
    paper.undo()
  })
}

/**
 * Adds radio buttons that write what is chosen into an object.
 * @param {HTMLElement} fieldset
 * @param {'tool'|'colour'|'size'} key
 * @param {{name: string, value: string|number, text?: string, swatch?: string, dot?: number}[]} choices
 * @param {Record<string, string|number>} chosen
 */
function addChoices(fieldset, key, choices, chosen) {
  for (const { name, value, text, swatch, dot } of choices) {
    const radio = make('input', { type: 'radio', name: key, value, class: 'sr', checked: chosen[key] === value })
    const face = make('span', { class: swatch ? 'swatch' : 'face', title: name })
    if (text) face.append(text)
    else face.append(make('span', { class: 'sr' }, name))
    if (swatch) face.style.setProperty('--swatch', swatch)
    if (dot) {
      const mark = make('span', { class: 'dot', 'aria-hidden': 'true' })
      mark.style.setProperty('--dot', `${4 + dot / 5}px`)
      face.append(mark)
    }
    radio.addEventListener('change', () => { chosen[key] = value })
    fieldset.append(make('label', {}, radio, face))
  }
}

/**
 * Where a point of the screen lies on the canvas, which is letterboxed in its box.
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
 * Arrow keys move a cross over the paper; Space or Enter puts the pen down and up.
 * @param {HTMLCanvasElement} canvas
 * @param {{down: (x: number, y: number) => void, move: (x: number, y: number) => void}} pen
 */
function drawByKeys(canvas, pen) {
  const cross = byId('crosshair')
  const at = { x: 0.5, y: 0.5 } // shares of the canvas
  let down = false

  /** Shows the cross where it is, within the letterboxed canvas. */
  function show() {
    const box = canvas.getBoundingClientRect()
    const scale = Math.min(box.width / canvas.width, box.height / canvas.height)
    const [width, height] = [canvas.width * scale, canvas.height * scale]
    cross.style.setProperty('--x', `${canvas.offsetLeft + (box.width - width) / 2 + at.x * width}px`)
    cross.style.setProperty('--y', `${canvas.offsetTop + (box.height - height) / 2 + at.y * height}px`)
    cross.classList.toggle('down', down)
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
    cross.hidden = false
    show()
  })
  canvas.addEventListener('blur', () => {
    down = false
    cross.hidden = true
  })
  canvas.addEventListener('pointerdown', () => {
    down = false
    cross.hidden = true
  })
}
