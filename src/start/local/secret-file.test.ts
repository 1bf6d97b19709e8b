import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { readSecretFile } from './secret-file.ts'

test('secrets come from lines, YAML or JSON', async () => {
  await using dir = await tempDir()
  const files = {
    '.env': '# none\nKEY=a value\nexport TOKEN="two\nlines" # said\n',
    'secrets.yml': 'KEY: a value\nTOKEN: |-\n  two\n  lines\n',
    'secrets.json': '{ "KEY": "a value", "TOKEN": "two\\nlines" }',
  }
  for (const [name, text] of Object.entries(files)) {
    await writeFile(dir.join(name), text)
    const read = await readSecretFile(dir.join(name))
    assert.deepEqual({ ...read }, { KEY: 'a value', TOKEN: 'two\nlines' }, name)
  }
})

test('what is wrong with a file of secrets is told by names, never by values', async () => {
  await using dir = await tempDir()
  const cases: [string, string, RegExp][] = [
    ['missing.env', '', /there is no such file/],
    ['short.env', 'KEY=hun', /"KEY": the value has fewer than 4/],
    ['name.env', 'key=hunter2', /"key": "key" can't name a secret/],
    ['number.yml', 'KEY: 12345', /"KEY" must be a string, in quotes/],
    ['list.yml', '- hunter2', /a mapping of names to strings/],
    ['broken.yml', 'KEY: "hunter2', /not valid YAML \(at character/],
    ['bomb.yml', 'A: &a hunter2\nB: *a\n', /alias/i],
  ]
  for (const [name, text, words] of cases) {
    if (text !== '') await writeFile(dir.join(name), text)
    await assert.rejects(readSecretFile(dir.join(name)), (error: Error) => {
      assert.match(error.message, words)
      assert.doesNotMatch(error.message, /hunter2|12345/)
      return true
    })
  }
})
