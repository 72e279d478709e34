// The results in short, for the README.

import { cosine, digitsOf, intro, mega, number, table } from './table.mjs'

/** The columns of the table of models: title, contestant, and the arithmetic of onnxruntime-web that it is compared with. */
const columns = [
  ['f32', 'Vitrine f32', 'f32'],
  ['f32, plain SIMD', 'Vitrine f32, plain SIMD', 'f32'],
  ['f32, no SIMD', 'Vitrine f32, scalar', 'f32'],
  ['f32, 2 workers', 'Vitrine f32, 2 workers', 'f32'],
  ['q8', 'Vitrine q8', 'q8'],
  ['q8, 2 workers', 'Vitrine q8, 2 workers', 'q8'],
]

const named = (rows, name) => rows.find((row) => row.name === name && !row.reason)
const short = (s) => (s ? `${number(s.median, 2)} [${number(s.low, 2)}–${number(s.high, 2)}]` : '–')

/** The last run in short: speed, accuracy, startup, matrix products alone. */
export function compact(results) {
  const { models = [], accuracy, startup, gemm } = results
  const parts = [`${intro(results)} All columns are times as fast as onnxruntime-web on one thread, f32 against its f32 and q8 against its q8; *worst* is the largest difference to its f32 over the largest value.`]
  parts.push(table(
    ['', ...columns.map(([title]) => title), 'worst, f32'],
    models.map(({ title, rows }) => [
      title,
      ...columns.map(([, name, dtype]) => short(named(rows, name)?.over[dtype])),
      named(rows, 'Vitrine f32')?.agreement?.worst.toExponential(1) ?? '–',
    ]),
  ))
  if (accuracy) parts.push(...losses(accuracy))
  const facts = []
  for (const line of new Set(startup?.map((r) => r.line))) {
    const [mine, theirs] = ['Vitrine', 'onnxruntime-web'].map((name) => startup.find((r) => r.line === line && r.name === name))
    facts.push(`- From navigation to the first ranking of the embedded model (${line}): ${seconds(mine)} and ${mega(mine.bytes, 1)} MB, onnxruntime-web ${seconds(theirs)} and ${mega(theirs.bytes, 1)} MB; ${short(mine.over)} times as fast.`)
  }
  const products = (gemm ?? []).filter((r) => r.share && !r.reason)
  if (products.length > 0) {
    facts.push(`- Matrix products alone, as a share of the ceiling of the processor's instructions: ${products.map((r) => `${r.name.replace('Vitrine ', '')} ${number(r.share.median, 2)}`).join('; ')}.`)
  }
  if (facts.length > 0) parts.push(facts.join('\n'))
  return parts.join('\n\n') + '\n'
}

const seconds = ({ ms: { median } }) => `${number(median / 1000, digitsOf(median / 1000))} s`

/** The accuracy of int8 on trained models, beside the peer's. */
function losses(accuracy) {
  const rows = ['Vitrine q8', 'Vitrine q8, plain SIMD', 'ort q8'].map((name) => accuracy.filter((r) => r.name === name && r.what !== 'logits'))
  const cases = rows[0].map((r) => `${r.model}, ${r.count} ${r.what === 'label' ? 'labels' : 'pictures'}`)
  return [
    'The accuracy of int8 on trained models, as the cosine to float32: mean, least, and how often the best answer is the same.',
    table(['', ...cases], rows.map((found) => [
      found[0]?.name.replace('ort', 'onnxruntime-web') ?? '–',
      ...found.map((r) => `${cosine(r.mean)}, ${cosine(r.least)}${r.top === undefined ? '' : `, ${r.top} of ${r.count}`}`),
    ])),
  ]
}
