import assert from 'node:assert/strict'
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { createKeyFile, newSealingKey, readKeyFile, replaceKeyFile } from './key-file.ts'

test('a file of keys is made for its owner alone, once, and read again', async () => {
  await using dir = await tempDir()
  const path = dir.join('below', 'keys')
  assert.equal(readKeyFile(path), undefined)
  const [key] = createKeyFile(path)
  assert.ok(key)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.deepEqual(ids(createKeyFile(path)), [key.id])
  const newer = newSealingKey()
  replaceKeyFile(path, [key, newer])
  assert.deepEqual(ids(readKeyFile(path)), [key.id, newer.id])
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(dir.join('below')), ['keys'])
})

test('a file of keys that others can read or change is refused, with what to do', async () => {
  await using dir = await tempDir()
  const path = dir.join('keys')
  createKeyFile(path)
  for (const mode of [0o640, 0o604, 0o620, 0o666]) {
    await chmod(path, mode)
    assert.throws(() => readKeyFile(path), {
      code: 'invalid',
      message: new RegExp(`mode ${mode.toString(8)}\\): chmod 600 ${path}`),
    })
  }
})

test('a file that holds anything but keys is refused, and not told', async () => {
  await using dir = await tempDir()
  const path = dir.join('keys')
  createKeyFile(path)
  const text = await readFile(path, 'utf8')
  const cases = {
    nothing: '',
    remarks: '# no key\n\n',
    'another text': `${text}hunter2\n`,
    'a key that is cut': text.trimEnd().slice(0, -2),
    'a key out of an example': `narwhal-key-1:${Buffer.alloc(32, 1).toString('base64')}\n`,
    'far too much': text + '#'.repeat(70_000),
  }
  for (const [what, wrong] of Object.entries(cases)) {
    await writeFile(path, wrong)
    const refusal = (error: Error) => {
      assert.match(error.message, new RegExp(`${path}.*(is not|too large|no key)`), what)
      assert.doesNotMatch(error.message, /hunter2/)
      return true
    }
    assert.throws(() => readKeyFile(path), refusal, what)
  }
  assert.throws(() => readKeyFile(dir.path), { code: 'invalid' })
})

function ids(keys: ReturnType<typeof readKeyFile>): string[] | undefined {
  return keys?.map(({ id }) => id)
}
