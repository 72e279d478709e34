// Runs the tests of the scripts and of the browser, or the files named as arguments:
//   node test/run.mjs [--limit=SECONDS] [file …]
// A file that hangs, in a test, a hook or an endless loop, is ended by its own limit:
// ten times what it takes on two cores with nothing else running. All files together
// have none. (node --test --test-timeout bounds a file, too, but all by one number.)

import { readdirSync } from 'node:fs'
import { relative } from 'node:path'
import { run } from 'node:test'
import { spec as Spec } from 'node:test/reporters'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))

/** What files take, in seconds, where it is more than usual. */
const usual = 30
const takes = {
  'browser/load-errors.test.mjs': 40,
  'browser/model.test.mjs': 40,
  'browser/transport.test.mjs': 60,
  'browser/webgpu.test.mjs': 40,
  'browser/webgpu-golden.test.mjs': 60,
  'browser/webgpu-memory.test.mjs': 60,
  'browser/workers.test.mjs': 60,
  'site/maps.test.mjs': 40,
}

const args = process.argv.slice(2)
const option = args.find((arg) => arg.startsWith('--'))
const fixed = option?.match(/^--limit=(\d+(?:\.\d+)?)$/)
if (option && !fixed) throw new Error(`${option} is not known; the option is --limit=SECONDS`)
const named = args.filter((arg) => arg !== option)
const files = named.length > 0 ? named : ['test', 'test/browser', 'test/site'].flatMap((folder) =>
  readdirSync(root + folder).filter((file) => file.endsWith('.test.mjs')).sort().map((file) => `${root}${folder}/${file}`))

const report = new Spec()
report.pipe(process.stdout)
const results = { passed: 0, failed: 0, skipped: 0 }
for (const file of files) {
  const name = relative(root + 'test', file)
  const limit = fixed ? Number(fixed[1]) : 10 * (takes[name] ?? usual)
  const begin = performance.now()
  let last // the last test that ended
  for await (const event of run({ files: [file], concurrency: 1, timeout: 1000 * limit })) {
    // Each run ends with counts of its own.
    if (event.type === 'test:diagnostic' && event.data.nesting === 0) continue
    if (event.type === 'test:fail') results.failed++
    if (event.type === 'test:pass') last = event.data.name
    if (event.type === 'test:pass') results[event.data.skip === undefined ? 'passed' : 'skipped']++
    report.write(event)
  }
  const say = (message) => report.write({ type: 'test:diagnostic', data: { nesting: 0, message: `${name}: ${message}` } })
  const seconds = (performance.now() - begin) / 1000
  if (seconds > limit) say(`ended after its limit of ${limit} s${last ? `; the last test that ended is '${last}'` : ''}`)
  else say(`${seconds.toFixed(1)} s; the limit is ${limit} s`)
}
report.end()
await new Promise((resolve) => report.on('close', resolve).on('end', resolve))
console.log(`${results.passed} passed, ${results.failed} failed, ${results.skipped} skipped`)
process.exitCode = results.failed > 0 || results.passed === 0 ? 1 : 0
