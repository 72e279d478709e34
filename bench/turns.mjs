// Contestants take turns, so that what else the machine does meets all of them.

/**
 * Lets contestants run: each {name, run(): Promise<ms>, turns?}, one after the other
 * in every turn, each turn beginning with another one. turns limits how often a slow
 * one takes part. Gives the times of each by its name; where it had no turn, NaN.
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

/** {median, low, high} of the values that are numbers; low and high are the quartiles. */
export function summary(values) {
  const sorted = values.filter((v) => !Number.isNaN(v)).sort((a, b) => a - b)
  if (sorted.length === 0) return null
  const at = (share) => {
    const place = share * (sorted.length - 1)
    const low = Math.floor(place)
    return sorted[low] + (place - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low])
  }
  return { median: at(0.5), low: at(0.25), high: at(0.75) }
}

/** How many times as fast mine is as theirs, turn by turn. */
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
