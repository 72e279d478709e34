// Contestants take turns, so that other work of the machine affects all of them alike.

/**
 * Runs contestants, {name, run(): Promise<ms>, turns?} each, one after the other in every
 * turn; each turn begins with another one. A contestant's turns limits how often a slow one
 * takes part. Gives the times of each by its name: {name: ms[]}, NaN where it had no turn.
 */
export async function takeTurns(contestants, turns) {
  const times = Object.fromEntries(contestants.map(({ name }) => [name, Array(turns).fill(NaN)]))
  for (let turn = 0; turn < turns; turn++) {
    for (let i = 0; i < contestants.length; i++) {
      const { name, run, turns: limit = turns } = contestants[(i + turn) % contestants.length]
      if (turn % Math.ceil(turns / limit) === 0) times[name][turn] = await run()
    }
  }
  return times
}

/** {median, low, high} of the values that aren't NaN; low and high are the quartiles. */
export function summary(values) {
  const sorted = values.filter((v) => !Number.isNaN(v)).sort((a, b) => a - b)
  if (sorted.length === 0) return null
  const at = (share) => {
    const position = share * (sorted.length - 1)
    const low = Math.floor(position)
    return sorted[low] + (position - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low])
  }
  return { median: at(0.5), low: at(0.25), high: at(0.75) }
}

/** How many times as fast mine is as theirs: {median, low, high} over the turns. */
export const ratio = (mine, theirs) => mine && theirs && summary(mine.map((ms, turn) => theirs[turn] / ms))

/** {cosine, worst} of two vectors: worst is the largest difference over the largest value of the second. */
export function agreement(found, wanted) {
  let dot = 0, a = 0, b = 0, difference = 0, scale = 0
  wanted.forEach((w, i) => {
    dot += found[i] * w
    a += found[i] ** 2
    b += w ** 2
    difference = Math.max(difference, Math.abs(found[i] - w))
    scale = Math.max(scale, Math.abs(w))
  })
  return { cosine: dot / Math.sqrt(a * b), worst: difference / scale }
}
