import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { describeFileError } from './describe-file-error.ts'

test('says why a file could not be read, without the code and the path', async () => {
  await using folder = await tempDir()
  const reasonOf = async (path: string): Promise<string> => {
    return await readFile(path).then(() => 'none', describeFileError)
  }
  assert.equal(await reasonOf(folder.join('nothing')), 'there is no such file')
  assert.equal(await reasonOf(folder.path), 'it is a folder')
  assert.equal(await reasonOf(`${import.meta.filename}/x`), 'a part of its path is not a folder')
  assert.equal(await reasonOf(folder.join('x'.repeat(300))), 'name too long')
  assert.equal(describeFileError(new Error('something else')), 'something else')
})
