import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '../../test/support/temp-dir.ts'
import { removeFolder } from './remove-folder.ts'

test('removes a tree deeper than the longest path', async () => {
  await using dir = await tempDir()
  const workspace = join(dir.path, 'workspace')
  const step = 'd'.repeat(200)
  const half = Array.from({ length: 15 }, () => step).join('/')
  await mkdir(join(workspace, half), { recursive: true })
  await mkdir(join(dir.path, 'other', half), { recursive: true })
  await writeFile(join(dir.path, 'other', half, 'file'), '')
  await chmod(join(dir.path, 'other', half), 0o500)
  await rename(join(dir.path, 'other', step), join(workspace, half, step))

  await removeFolder(workspace)

  assert.equal(existsSync(workspace), false)
})

test('removes folders without permissions, and no targets of links', async () => {
  await using dir = await tempDir()
  const [workspace, outside] = [join(dir.path, 'workspace'), join(dir.path, 'outside')]
  await mkdir(outside)
  await writeFile(join(outside, 'precious'), '')
  await mkdir(join(workspace, 'a', '-rf\n'), { recursive: true })
  await writeFile(join(workspace, 'a', '-rf\n', 'file'), '')
  await symlink(outside, join(workspace, 'a', 'link'))
  await chmod(join(workspace, 'a', '-rf\n'), 0)
  await chmod(join(workspace, 'a'), 0o500)

  await removeFolder(workspace)

  assert.equal(existsSync(workspace), false)
  assert.equal(existsSync(join(outside, 'precious')), true)
})
