// The table of calls (calls/calls.go) and js/vitrine.d.ts describe the same: names, inputs,
// options with their kinds and defaults, and results.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import ts from 'typescript'

const root = new URL('..', import.meta.url)
const file = new URL('js/vitrine.d.ts', root).pathname
const table = JSON.parse(execFileSync('go', ['run', './calls/gen', '-describe'], { cwd: root, encoding: 'utf8' }))
const program = ts.createProgram([file], { strict: true, target: ts.ScriptTarget.ESNext, lib: ['lib.esnext.d.ts', 'lib.dom.d.ts'] })
const checker = program.getTypeChecker()
const declared = Object.fromEntries(checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file))).map((symbol) => [symbol.name, symbol]))
const model = checker.getDeclaredTypeOfSymbol(declared.Model)

/** The functions of the table that are no calls of a model. */
const functions = ['load', 'inspect']

/** The signature of a method of Model, or of one of functions. */
function signature(name) {
  const isFunction = functions.includes(name)
  if (!isFunction) assert.ok(model.getProperty(name), `js/vitrine.d.ts: Model has no method ${name}`)
  const type = isFunction ? checker.getTypeOfSymbol(declared[name]) : checker.getTypeOfSymbol(model.getProperty(name))
  return type.getCallSignatures()[0]
}

/** A type as it is written, without undefined. */
const written = (type) => checker.typeToString(checker.getNonNullableType(type) === type ? type : removeUndefined(type), undefined, ts.TypeFormatFlags.NoTruncation).replaceAll('<ArrayBufferLike>', '').replaceAll('readonly ', '')
const removeUndefined = (type) => (type.isUnion() && type.types.some((t) => t.flags & ts.TypeFlags.Null) ? type : checker.getNonNullableType(type))

/** The TypeScript types that an option of a kind may have. */
const kinds = {
  boolean: ['boolean'], count: ['number'], index: ['number'], string: ['string'], strings: ['string[]'], integers: ['number[]'], indices: ['number[]'],
  size: ['[number, number]'], template: ['string | string[]'], workers: ['number | "auto"', '"auto" | number'], headers: ['Record<string, string>'], signal: ['AbortSignal | null', 'AbortSignal | null | undefined'],
}

function checkOptions(where, type, options) {
  assert.deepEqual(type.getProperties().map((p) => p.name).sort(), options.map((o) => o.Name).sort(), `${where}: names of options`)
  for (const option of options) {
    const symbol = type.getProperty(option.Name)
    const found = checker.getTypeOfSymbol(symbol)
    const name = `${where}.${option.Name}`
    assert.ok(symbol.flags & ts.SymbolFlags.Optional, `${name} is optional`)
    switch (option.Kind) {
      case 'oneOf': {
        const values = removeUndefined(found).types.filter((t) => t.isStringLiteral()).map((t) => t.value)
        assert.deepEqual(values.sort(), [...option.OneOf].sort(), `${name}: values`)
        break
      }
      case 'object':
        checkOptions(name, removeUndefined(found), option.Members)
        break
      case 'function':
        assert.equal(removeUndefined(found).getCallSignatures().length, 1, `${name} is a function`)
        break
      default:
        assert.ok(kinds[option.Kind].includes(written(found)), `${name}: ${written(found)}, want ${kinds[option.Kind]}`)
    }
    if (option.Default) {
      const text = ts.displayPartsToString(symbol.getDocumentationComment(checker))
      assert.ok(text.toLowerCase().includes('default') && text.includes(option.Default), `${name}: its comment names the default ${option.Default}: ${text}`)
    }
  }
}

/** The members of a result as calls.Results gives them: {path: type}. */
function results(type, path = '', all = {}) {
  const element = checker.isArrayType(type) && checker.getTypeArguments(type)[0]
  const isObject = (t) => t.flags & ts.TypeFlags.Object && !checker.isArrayType(t) && !checker.isTupleType(t) && t.symbol?.name !== 'Float32Array'
  if (element && isObject(element)) return results(element, `${path}[]`, all)
  const nullable = type.isUnion() && type.types.length === 2 && type.types.find(isObject)
  if (nullable) return results(nullable, `${path}?`, all)
  if (!isObject(type)) {
    const parts = type.isUnion() ? type.types : [type]
    // A union of strings is a string to Go.
    all[path] = parts.every((t) => t.isStringLiteral()) ? 'string' : written(type)
    return all
  }
  for (const p of type.getProperties()) results(checker.getTypeOfSymbol(p), path ? `${path}.${p.name}` : p.name, all)
  return all
}

const sorted = (object) => Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))

test('the types declare exactly the calls of the table', () => {
  const methods = model.getProperties().map((p) => p.name).filter((name) => name !== 'info' && name !== 'close')
  assert.deepEqual(methods.sort(), table.map((call) => call.Name).filter((name) => !functions.includes(name)).sort())
})

const inputs = { image: 'Image', images: 'Image[]', labels: 'string[]', texts: 'string[]', text: 'string', logits: 'number[][]' }

for (const call of table) {
  test(`the types of ${call.Name} are those of the table`, () => {
    const { parameters } = signature(call.Name)
    const options = parameters.at(-1)
    assert.equal(options.name, 'options')
    checkOptions(call.Name, removeUndefined(checker.getTypeOfSymbol(options)), call.Options)
    if (call.Name === 'load') return
    const types = parameters.slice(0, -1).map((p) => checker.typeToString(checker.getTypeOfSymbol(p)))
    assert.deepEqual(types, call.Inputs?.map((input) => inputs[input]) ?? ['string | URL'], 'inputs')
    const promised = checker.getTypeArguments(signature(call.Name).getReturnType())[0]
    assert.deepEqual(sorted(results(promised)), sorted(call.Results), 'results')
  })
}
