// Writes what is made of the last full run, last.json: last.md, and the part of the
// README between two comments. A run does so; by itself, where the words of a table
// have changed:
//
//   node bench/tables.mjs

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compact } from './compact.mjs'
import { markdown } from './table.mjs'

const file = (name) => fileURLToPath(new URL(name, import.meta.url))
const places = { results: file('last.json'), table: file('last.md'), readme: file('../README.md') }
const part = /(?<=<!-- bench: .*? -->\n).*?(?=<!-- end of bench -->)/s

/** The files that are made of results, as [path, text]. */
export function tablesOf(results) {
  const readme = readFileSync(places.readme, 'utf8')
  if (!part.test(readme)) throw new Error('bench: README.md has no part between <!-- bench: … --> and <!-- end of bench -->')
  return [[places.table, markdown(results)], [places.readme, readme.replace(part, () => `\n${compact(results)}\n`)]]
}

/** The results of the last full run. */
export const lastResults = () => JSON.parse(readFileSync(places.results))

/** Keeps the results of a full run, and writes what is made of them. */
export function keep(results) {
  writeFileSync(places.results, JSON.stringify(results, null, 1) + '\n')
  for (const [path, text] of tablesOf(results)) writeFileSync(path, text)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) keep(lastResults())
