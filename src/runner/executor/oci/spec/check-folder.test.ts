import assert from 'node:assert/strict'
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkFolder } from './check-folder.ts'

test('rejects a working folder with a file in its path, and names that', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-folder-'))
  await mkdir(join(dir.path, 'srv/app'), { recursive: true })
  await writeFile(join(dir.path, 'srv/file'), '')
  await symlink('/srv/app', join(dir.path, 'app'))
  await symlink('srv/file', join(dir.path, 'link'))
  const layers = [dir.path]
  for (const folder of ['/', '/srv/app', '/srv/app/new/deep', '/app/x', '/new']) {
    await checkFolder(layers, folder)
  }
  for (const [folder, file] of [
    ['/srv/file', '/srv/file'],
    ['/srv/file/x', '/srv/file'],
    ['/link/x', '/link'],
  ] as const) {
    await assert.rejects(checkFolder(layers, folder), {
      code: 'invalid',
      message: `the working folder ${folder} can't be used: ${file} is a file in the image`,
    })
  }
})
