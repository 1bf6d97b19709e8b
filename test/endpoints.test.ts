import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { API, ROUTES, type Route } from '../src/contract/rest/endpoints/routes.ts'

const root = resolve(import.meta.dirname, '..')
const TABLE = 'src/contract/rest/endpoints/routes.ts'

function sources(): { readonly file: string; readonly code: string }[] {
  return ['src', 'ui/src'].flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && /(?<!\.(?:test|contract))\.tsx?$/.test(entry.name))
      .map((entry) => {
        const path = join(entry.parentPath, entry.name)
        const code = readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '')
        return { file: relative(root, path), code }
      }),
  )
}

test('no path of the API is written but in the table of routes', () => {
  // What ends with the prefix is another's: that of Gitea's API is the same.
  const written = new RegExp(`${API}[/$]`)
  const found = sources().filter(({ file, code }) => file !== TABLE && written.test(code))
  assert.deepEqual(
    found.map(({ file }) => file),
    [],
  )
})

test('nor is the part behind the prefix, in what asks', () => {
  const paths = Object.values<Route>(ROUTES).map(({ path }) => path.split('/:')[0] ?? '')
  const words = [...new Set(paths)].map((path) => path.slice(1).replaceAll('.', String.raw`\.`))
  const asks = String.raw`\b(?:call|callLines|callJson|fetch|useRead)\b[^'"\`\n]*`
  const written = new RegExp(`${asks}['"\`]/(?:${words.join('|')})\\b`)
  assert.match("call('/pipelines/1')", written)
  for (const { file, code } of sources()) assert.doesNotMatch(code, written, file)
})

test('what asks the server from the page is one function', () => {
  const asking = sources().filter(
    ({ file, code }) => file.startsWith('ui/') && /\bfetch\(/.test(code),
  )
  assert.deepEqual(
    asking.map(({ file }) => file),
    ['ui/src/api.ts'],
  )
})
