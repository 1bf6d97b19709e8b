import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const PATH = join(import.meta.dirname, '../docs/container-situations.md')
const SHOWN_BY = /\]\((\.\.\/\S+\.(?:test|contract)\.ts)\)/g
const NOT_SHOWN = /\bnot (?:ours|tested)\b/i

test('each situation of containers has a test with tests in it, or the reason why there is none', async () => {
  const text = await readFile(PATH, 'utf8')
  const rows = text.split('\n').filter((line) => /^\| (?!situation)/.test(line))
  assert.ok(rows.length > 60)
  for (const row of rows) {
    const files = [...row.matchAll(SHOWN_BY)].map(([, file = '']) => file)
    assert.ok(files.length > 0 || NOT_SHOWN.test(row), row)
    for (const file of files) {
      const code = await readFile(join(dirname(PATH), file), 'utf8')
      assert.match(code, /\b(?:test|testKinds|check|\w+Contract)\(/, file)
    }
  }
})
