import { hubName } from './link.js'

/**
 * Writes a value as JavaScript.
 * @param {unknown} value
 * @returns {string} with single quotes, as the rest of the snippet
 */
function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'string') return String(value)
  return `'${value.replace(/[\\']/g, '\\$&').replace(/[\n\r\u2028\u2029]/g, ' ')}'`
}

/**
 * The lines of JavaScript that do what the page shows, with addresses that work
 * wherever they are pasted on this site.
 * @param {{model: string, tasks: readonly string[], labels: string[], template: string, picture: string,
 *   method: string, layer: number, head: number|null}} view picture: the address of
 *   a sample, or '' for what is on the paper
 * @param {string} base address of the page
 * @returns {string}
 */
export function snippetOf({ model, tasks, labels, template, picture, method, layer, head }, base) {
  const address = (path) => new URL(path, base).href
  const name = hubName.test(model) ? model : address(model)
  const lines = [
    `const { load } = await import(${literal(address('js/vitrine.js'))})`,
    `const model = await load(${literal(name)})`,
    picture
      ? `const picture = ${literal(address(picture))}`
      : `const picture = document.querySelector('canvas') // or an img, a File, an address`,
  ]
  if (tasks.includes('rank') && labels.length) {
    const options = template === '{}' ? '' : `, { template: ${literal(template)} }`
    lines.push(`const { ranking } = await model.rank(picture, ${literal(labels)}${options})`)
    lines.push(`console.log(ranking[0].label, ranking[0].score)`)
  } else if (tasks.includes('classify')) {
    lines.push(`const { classes } = await model.classify(picture)`)
    lines.push(`console.log(classes[0].label, classes[0].score)`)
  }
  if (tasks.includes('attention')) {
    const options = [`layer: ${layer}`]
    if (method === 'rollout') options.push(`method: 'rollout'`)
    else if (head !== null) options.push(`head: ${head}`)
    lines.push(`const map = await model.attention(picture, { ${options.join(', ')} })`)
    lines.push(`console.log(map.grid, map.data)`)
  }
  lines.push(`const { embedding } = await model.embedImage(picture)`)
  lines.push(`console.log(embedding)`)
  return lines.join('\n')
}
