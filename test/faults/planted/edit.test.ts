import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { BUGS, shortTimes } from './bugs.ts'
import { applyEdits } from './edit.ts'

const root = new URL('../../../', import.meta.url)

for (const { name, edits } of [{ name: 'the short times', edits: shortTimes() }, ...BUGS]) {
  test(`${name}: all its edits fit the sources`, async () => {
    for (const [file, own] of Map.groupBy(edits, (edit) => edit.file)) {
      const source = await readFile(new URL(file, root), 'utf8')
      assert.notEqual(applyEdits(source, own), source)
    }
  })
}

test('refuses an edit whose text is not there, or more than once', () => {
  const edit = { file: 'src/main.ts', find: 'a', replace: 'b' } as const
  assert.equal(applyEdits('cat', [edit]), 'cbt')
  assert.throws(() => applyEdits('dog', [edit]), /stands 0 times in src\/main\.ts/)
  assert.throws(() => applyEdits('banana', [edit]), /stands 3 times/)
})

test('there are eleven bugs, and no two have a name in common', () => {
  assert.equal(new Set(BUGS.map(({ name }) => name)).size, 11)
})
