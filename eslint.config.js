// The rules for the scripts of js/, site/, test/, bench/ and build/: rules that catch
// faults, and the few of style that the code keeps to. Nothing is reformatted.

import js from '@eslint/js'
import stylistic from '@stylistic/eslint-plugin'
import { defineConfig, globalIgnores } from 'eslint/config'
import globals from 'globals'
import typescript from 'typescript-eslint'

const inPages = { ...globals.browser, ...globals.worker }

const readonly = (...names) => Object.fromEntries(names.map((name) => [name, 'readonly']))

// Names that every page defines. Where one is meant, window.name or the like says so;
// otherwise a forgotten declaration goes unseen.
const confusing = ['event', 'external', 'find', 'length', 'name', 'open', 'origin', 'parent', 'print', 'status', 'stop', 'top']

export default defineConfig(
  globalIgnores(['dist/', '.tools/', '**/node_modules/', '**/testdata/', '**/vendor/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' } },
  {
    files: ['**/*.{js,mjs}'],
    extends: [js.configs.recommended],
    plugins: { '@stylistic': stylistic, typescript: typescript.plugin },
    languageOptions: {
      parser: typescript.parser, // for the types that the rules on promises need
      parserOptions: { project: './test/types/scripts.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'array-callback-return': 'error',
      'default-case-last': 'error',
      'eqeqeq': ['error', 'always', { null: 'ignore' }], // value == null is null or undefined
      'no-constructor-return': 'error',
      'no-eval': 'error',
      'no-extend-native': 'error',
      'no-implied-eval': 'error',
      'no-new-func': 'error',
      'no-restricted-globals': ['error', ...confusing],
      'no-script-url': 'error',
      'no-self-compare': 'error',
      'no-template-curly-in-string': 'error',
      'no-throw-literal': 'error',
      'no-unmodified-loop-condition': 'error',
      'no-unreachable-loop': 'error',
      'no-unused-vars': ['error', { args: 'after-used', caughtErrors: 'all', ignoreRestSiblings: true }],
      'no-useless-rename': 'error',
      'no-var': 'error',
      'object-shorthand': 'error',
      'prefer-const': ['error', { destructuring: 'all' }],
      'prefer-promise-reject-errors': 'error',
      'symbol-description': 'error',

      'typescript/await-thenable': 'error',
      'typescript/no-floating-promises': 'error',
      'typescript/no-misused-promises': ['error', { checksVoidReturn: false }],
      'typescript/no-for-in-array': 'error',

      '@stylistic/eol-last': 'error',
      '@stylistic/no-tabs': 'error',
      '@stylistic/no-trailing-spaces': 'error',
      '@stylistic/quotes': ['error', 'single', { avoidEscape: true, allowTemplateLiterals: 'always' }],
      '@stylistic/semi': ['error', 'never'],
      '@stylistic/no-extra-semi': 'error',
    },
  },
  // What a visitor's browser runs: no Node.
  { files: ['js/**', 'site/**'], languageOptions: { globals: inPages } },
  { files: ['bench/pages/**'], languageOptions: { globals: { ...inPages, ...readonly('contestant', 'gemm', 'Go', 'tf') } } },
  // Tools and tests run in Node. Functions in them run in pages (page.evaluate), where
  // the names at the end are those that the tests themselves define.
  { files: ['*.js', 'bench/*.mjs', 'build/**'], languageOptions: { globals: { ...inPages, ...globals.nodeBuiltin, ...readonly('contestant', 'fs', 'Go', 'require') } } },
  {
    files: ['test/**'],
    languageOptions: {
      globals: {
        ...inPages, ...globals.nodeBuiltin,
        ...readonly('axe', 'complain', 'controller', 'failure', 'fs', 'Go', 'models', 'ok', 'picture', 'pixels', 'plain', 'reason', 'sent', 'some', 'vitrine', 'want'),
        buffers: 'writable', most: 'writable',
      },
    },
  },
)
