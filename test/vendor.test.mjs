// The libraries in site/vendor are those of their npm packages, file by file.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const vendor = fileURLToPath(new URL('../site/vendor/', import.meta.url))
const packages = fileURLToPath(new URL('../node_modules/', import.meta.url))
const folders = readdirSync(vendor).filter((name) => statSync(vendor + name).isDirectory())
const readme = readFileSync(vendor + 'README.md', 'utf8')

test('there is a library', () => assert.ok(folders.length > 0))

for (const name of folders) {
  test(`${name} is unchanged, and its version and licence are said`, () => {
    const { version, license } = JSON.parse(readFileSync(`${packages}${name}/package.json`, 'utf8'))
    assert.ok(readme.includes(`| ${name} ${version} | ${license}, in LICENSE |`), `site/vendor/README.md does not say "${name} ${version} | ${license}"`)
    const files = readdirSync(vendor + name, { recursive: true }).filter((file) => statSync(`${vendor}${name}/${file}`).isFile())
    assert.ok(files.includes('LICENSE'))
    for (const file of files) {
      assert.ok(readFileSync(`${vendor}${name}/${file}`).equals(readFileSync(`${packages}${name}/${file}`)), `${name}/${file} differs from the package's`)
    }
  })
}
