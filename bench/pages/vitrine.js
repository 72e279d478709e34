// Vitrine as a contestant, called from the page as a user calls it, with its worker.

import { enter, job } from './contestant.js'
import { valuesOf } from './input.js'
import { load } from '/js/vitrine.js'

enter(async () => {
  const model = await load('/model/', job.options)
  const classes = model.info.tasks.includes('classify')
  return {
    info: model.info,
    tokens: async (text) => (await model.tokenize(text)).ids,
    prepare: (input) => (input.texts ? input : valuesOf(input)),
    async infer(input, all) {
      if (input.texts) return { embedding: (await model.embedText(input.texts, { normalize: false })).embeddings[0] }
      if (!classes) return model.embedImage(input, { normalize: false })
      if (!all) {
        const { classes, ms } = await model.classify(input)
        return { embedding: classes.map((c) => c.logit), ms }
      }
      const logits = []
      for (const { index, logit } of (await model.classify(input, { topK: model.info.classes })).classes) logits[index] = logit
      return { ...(await model.embedImage(input, { normalize: false })), logits }
    },
  }
})
