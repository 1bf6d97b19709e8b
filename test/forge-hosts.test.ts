import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { test } from 'node:test'
import { readOrigin } from '../src/cli/parts/repository-origin.ts'
import { forgeOfUrl } from '../src/contract/rest/forge-words.ts'
import { FORGE_KINDS, forgeAt, forgeFacts } from '../src/core/forges.ts'
import { forgeTarget } from '../src/dispatcher/statuses/link-forge.ts'

const root = resolve(import.meta.dirname, '..')

test('the command line, the page and the services know the same hosts', async () => {
  for (const kind of FORGE_KINDS) {
    for (const host of forgeFacts(kind).hosts) {
      for (const cloneUrl of [`https://${host}/ada/app.git`, `git@${host}:ada/app.git`]) {
        assert.equal((await readOrigin(cloneUrl, '/')).forge, forgeAt(host), cloneUrl)
        assert.equal(forgeOfUrl(` ${cloneUrl} `), forgeAt(host), cloneUrl)
        const target = forgeTarget({ name: 'ada/app', forge: 'git', cloneUrl }, {})
        assert.equal(target.forge, kind, cloneUrl)
      }
    }
  }
})

/** Where forges may be told apart by name: the table of facts, and what belongs to one forge alone. */
const ROOMS = ['src/core/forges.ts', 'src/forge/']

test('nothing but the table of forges lists them, or their hosts', () => {
  const hosts = FORGE_KINDS.flatMap((kind) => forgeFacts(kind).hosts)
  const names = [...FORGE_KINDS, ...hosts].map((name) => name.replaceAll('.', '\\.'))
  const literal = new RegExp(`['"](?:${names.join('|')})['"]`)
  const found = ['src', 'ui/src']
    .flatMap((folder) => listSources(join(root, folder)))
    .map((file) => relative(root, file))
    .filter((file) => !ROOMS.some((room) => file.startsWith(room)))
    .filter((file) => literal.test(readFileSync(join(root, file), 'utf8')))
  assert.deepEqual(found, [])
  // That it finds something, where there is something.
  assert.match(readFileSync(join(root, 'src/core/forges.ts'), 'utf8'), literal)
})

function listSources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .filter((entry) => !/\.(?:test|contract)\.tsx?$|fixtures\.ts$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}
