// From navigation to the first ranking, with Vitrine.

import { load } from '/js/vitrine.js'

const { labels, picture } = JSON.parse(decodeURIComponent(location.hash.slice(1)))

globalThis.contestant = {
  ready: (async () => {
    const model = await load('/model/')
    const { ranking } = await model.rank(picture, labels)
    return { first: performance.now(), best: ranking[0].label }
  })(),
}
