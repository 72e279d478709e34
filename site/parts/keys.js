/** The steps of arrow keys, by their names: [x, y]. */
export const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

/** @param {number} value @param {number} most @returns {number} the nearest value from 0 to most */
export const within = (value, most) => Math.min(Math.max(value, 0), most)
