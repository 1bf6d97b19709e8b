import assert from 'node:assert/strict'
import { lstat, mkdir, symlink, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '../../../../../test/support/temp-dir.ts'
import { giveFiles } from './give-files.ts'

const skip = process.getuid?.() === 0 ? false : 'only root can give files away'

test('gives all files of a folder, and not what its links lead to', { skip }, async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('given/folder'), { recursive: true })
  await writeFile(dir.join('given/folder/-file'), '')
  await writeFile(dir.join('other'), '')
  await symlink(dir.join('other'), dir.join('given/link'))
  await giveFiles(dir.join('given'), 54_321)
  for (const name of ['given', 'given/folder', 'given/folder/-file', 'given/link']) {
    const { uid, gid } = await lstat(dir.join(name))
    assert.deepEqual([name, uid, gid], [name, 54_321, 54_321])
  }
  assert.equal((await lstat(dir.join('other'))).uid, 0)
})

test('says which files could not be given', async () => {
  await assert.rejects(giveFiles('/nowhere/at-all', 54_321), {
    code: 'unavailable',
    message: /^the files in \/nowhere\/at-all can't be given to 54321: .*No such file/,
  })
})
