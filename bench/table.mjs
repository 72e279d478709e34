// The results as Markdown.

export const number = (value, digits) => value == null ? '–' : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false })
export const digitsOf = (value) => (value >= 100 ? 0 : value >= 10 ? 1 : 2)
const spread = (s) => (s ? `${number(s.median, digitsOf(s.median))} [${number(s.low, digitsOf(s.median))}–${number(s.high, digitsOf(s.median))}]` : '–')
const times = (s) => (s ? `${number(s.median, 2)}× [${number(s.low, 2)}–${number(s.high, 2)}]` : '–')
export const mega = (bytes, digits = 0) => (bytes == null ? '–' : number(bytes / 1e6, digits))
export const cosine = (value) => number(value, value > 0.99999 ? 6 : value > 0.999 ? 5 : 4)

export const table = (head, rows) => [`| ${head.join(' | ')} |`, `|${head.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`, ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n')

/** The contestants that could not run, with the reasons. */
const leftOut = (rows) => rows.filter((r) => r.reason).map((r) => `\n${r.name}: left out. ${r.reason}`).join('')

/** When, where and how it was measured. */
export const intro = ({ date, machine, browser, version, peers, turns }) =>
  `Measured ${date} on ${machine}, in headless Chromium ${browser}: Vitrine ${version} beside ${peers}. ` +
  `Contestants have a page each and take turns (${turns}); medians, [quartiles].`

/** All results. */
export function markdown(results) {
  const { models, absent, gemm, startup, accuracy, profile, webgpu } = results
  const parts = [
    `${intro(results)} Times depend on the machine and its other work; ` +
      'the columns with × are ratios within a turn: how many times as fast as onnxruntime-web (ort) on one thread.',
  ]
  for (const { title, gflop, ceiling, rows } of models ?? []) {
    parts.push(`### ${title}: ${number(gflop, 2)} GFLOP`)
    parts.push(table(
      ['', 'ms', 'G/s', 'of the ceiling', '× ort f32', '× ort q8', 'cosine to ort f32', 'worst difference', 'MB downloaded', 'first result, s', 'peak MB'],
      rows.filter((r) => !r.reason).map((r) => [
        r.name, spread(r.ms), number(r.speed?.median, 1), number(r.share?.median, 2), times(r.over.f32), times(r.over.q8),
        r.agreement ? cosine(r.agreement.cosine) : '–', r.agreement ? r.agreement.worst.toExponential(1) : '–', mega(r.bytes, 1), number(r.first / 1000, 2), mega(r.memory),
      ]),
    ) + `\n\nThe ceiling of one thread: ${number(ceiling.f32.median, 1)} G/s in f32, ${number(ceiling.q8.median, 1)} in q8 (relaxed SIMD).` + leftOut(rows))
  }
  for (const title of absent ?? []) parts.push(`${title}: left out: its folder is not beside this checkout.`)
  if (accuracy) {
    parts.push('### Accuracy of int8 on trained models, against Vitrine f32')
    parts.push(table(
      ['', 'of', 'cases', 'mean cosine', 'least', 'worst difference', 'same best answer'],
      accuracy.map((r) => [`${r.model}: ${r.name}`, r.what, r.count, cosine(r.mean), cosine(r.least), r.worst.toExponential(1), r.top === undefined ? '–' : `${r.top} of ${r.count}`]),
    ))
  }
  if (gemm) {
    parts.push('### Matrix products alone: 197 rows through eight layers, 768 → 3072 → 768 …')
    parts.push(table(
      ['', 'ms', 'G/s', 'of the ceiling', '× ort f32', '× ort q8', 'cosine', 'worst difference'],
      gemm.filter((r) => !r.reason).map((r) => [
        r.name, spread(r.ms), number(r.speed.median, 1), number(r.share?.median, 2), times(r.over.f32), times(r.over.q8), cosine(r.agreement.cosine), r.agreement.worst.toExponential(1),
      ]),
    ) + leftOut(gemm))
  }
  if (startup) {
    parts.push('### From navigation to the first ranking: the embedded model, twelve labels, nothing cached')
    parts.push(table(['', 'over', 'ms', 'MB downloaded', 'times as fast'], startup.map((r) => [r.name, r.line, spread(r.ms), mega(r.bytes, 2), times(r.over)])))
  }
  if (profile?.length) {
    const kinds = Object.keys(profile[0].workers[0])
    const rows = profile.flatMap(({ name, workers }) => workers.map((shares, i) => [workers.length > 1 ? `${name}: worker ${i + 1}` : name, shares]))
    parts.push('### Where the time of a picture goes in Vitrine, in per cent (relaxed SIMD)')
    parts.push(table(['', ...kinds], rows.map(([name, shares]) => [name, ...kinds.map((kind) => number(100 * shares[kind], 1))])))
    parts.push('[PROFILE.md](PROFILE.md) describes the columns and what bounds them.')
  }
  if (webgpu?.reason) parts.push(`WebGPU: left out. ${webgpu.reason}`)
  if (webgpu?.sections) {
    const { name, software } = webgpu.adapter
    parts.push(`### WebGPU on ${name}${software ? ', a software adapter' : ''}`)
    parts.push(`All contestants use this adapter and take turns (${webgpu.turns}). Multiplications and additions in registers reach ${spread(webgpu.ceiling)} G/s. ` +
      'Host is the time that does not wait for the adapter: Go, scripts and messages. Cosine and worst difference are to float32 on the CPU.')
    for (const { title, gflop, peer, rows } of webgpu.sections) {
      parts.push(`**${title}: ${number(gflop, 2)} GFLOP**\n\n` + table(
        ['', 'ms', 'host, ms', 'G/s', 'of the ceiling', `× ${peer}`, 'first result, s', 'cosine', 'worst difference'],
        rows.filter((r) => !r.reason).map((r) => [
          r.name, spread(r.ms), r.host ? number(r.host.median, 1) : '–', number(r.speed.median, digitsOf(r.speed.median)), r.share ? number(r.share.median, 2) : '–', times(r.over),
          r.first ? number(r.first / 1000, 1) : '–', cosine(r.agreement.cosine), r.agreement.worst.toExponential(1),
        ]),
      ) + leftOut(rows))
    }
  }
  return parts.join('\n\n') + '\n'
}
