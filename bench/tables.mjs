// Writes what is made of last.json, the last full run: last.md, and the part of the README
// between two comments. A run of the bench does it. After a change of the words of a table:
//
//   node bench/tables.mjs

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compact } from './compact.mjs'
import { markdown } from './table.mjs'

const file = (name) => fileURLToPath(new URL(name, import.meta.url))
const paths = { results: file('last.json'), table: file('last.md'), readme: file('../README.md') }
const part = /(?<=<!-- bench: .*? -->\n).*?(?=<!-- end of bench -->)/s

/** The files that are made of results: [path, text] of each. */
export function tablesOf(results) {
  const readme = readFileSync(paths.readme, 'utf8')
  if (!part.test(readme)) throw new Error('bench: README.md has no part between <!-- bench: … --> and <!-- end of bench -->')
  return [[paths.table, markdown(results)], [paths.readme, readme.replace(part, () => `\n${compact(results)}\n`)]]
}

/** The results of the last full run. */
export const lastResults = () => JSON.parse(readFileSync(paths.results))

/** Writes the results of a full run, and what is made of them. */
export function keep(results) {
  writeFileSync(paths.results, JSON.stringify(results, null, 1) + '\n')
  for (const [path, text] of tablesOf(results)) writeFileSync(path, text)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) keep(lastResults())
