import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sandbox } from '../executor.ts'
import { listFiles } from './list-files.ts'

/** Lists what a job claims to have; a line for each path, with its letter. */
function listed(lines: readonly string[], patterns: readonly string[] = ['**']) {
  const left: string[] = []
  const run: Sandbox['run'] = async (_step, output) => {
    for (const line of lines) await output('stdout', Buffer.from(`${line}\0`, 'latin1'))
    return { exitCode: 0 }
  }
  const { signal } = new AbortController()
  const onLeftOut = (path: string) => void left.push(path)
  const files = listFiles(run, patterns, { maxBytes: 1, signal, onLeftOut })
  return files.then((found) => ({ paths: found.map(({ path }) => path), left }))
}

test('the list of files is sorted by bytes, without duplicates and .git', async () => {
  const lines = ['d./b', 'f./b/x', 'f./a', 'f./a', 'f./.git/config', 'd./c/.git', 'f./é', 's./p']
  const utf8 = lines.map((line) => Buffer.from(line).toString('latin1'))
  assert.deepEqual(await listed(utf8), { paths: ['a', 'b', 'b/x', 'é'], left: ['p'] })
  assert.deepEqual(await listed(lines, ['b/*']), { paths: ['b/x'], left: [] })
})

test('the list of files is rejected if it leads outside, or through a link', async () => {
  const untrue = [['f../x'], ['f./../x'], ['f/x'], ['f'], ['f./'], ['f./a//b'], ['f./a/.']]
  for (const lines of [...untrue, ['l./a', 'f./a/b/c'], ['f./a/b', 'f./a']]) {
    await assert.rejects(listed(lines), { code: 'conflict' }, lines.join())
  }
})

test("the list of files reports what can't be archived", async () => {
  await assert.rejects(listed(['u./a']), { code: 'forbidden', message: /can't read "a"$/ })
  await assert.rejects(listed(['U./dist/a'], ['dist/*/x']), { code: 'forbidden' })
  assert.deepEqual((await listed(['u./a', 'f./b'], ['b'])).paths, ['b'])
  await assert.rejects(listed(['f./\xff']), { code: 'invalid', message: /not UTF-8/ })
  assert.deepEqual((await listed(['f./\xff', 'f./b'], ['b'])).paths, ['b'])
})
