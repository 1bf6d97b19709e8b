import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readFile, stat, symlink } from 'node:fs/promises'
import { test } from 'node:test'
import { mountSmallDisk } from '../../test/faults/small-disk.ts'
import { isRoot } from '../../test/support/services/programs.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { claimFolder } from './claim-folder.ts'

const taken = {
  code: 'conflict',
  message: /another runner uses .*: give each runner its own folder/,
}

test('a folder has one claim at a time, by whatever path it is named', async () => {
  await using dir = await tempDir()
  const link = dir.join('link')
  await mkdir(dir.join('data'))
  await symlink(dir.join('data'), link)
  {
    await using _claim = await claimFolder(dir.join('data'))
    await assert.rejects(claimFolder(dir.join('data')), taken)
    await assert.rejects(claimFolder(link), taken)
    // The refused ones have not freed it.
    await assert.rejects(claimFolder(link), taken)
  }
  await using _claim = await claimFolder(link)
})

test('another process is kept from a claimed folder, and a child does not keep it', async () => {
  await using dir = await tempDir()
  const module = import.meta.resolve('./claim-folder.ts')
  const claim = `const { claimFolder } = await import(${JSON.stringify(module)}); await claimFolder(process.argv[1])`
  const inChild = () =>
    spawnSync(process.execPath, ['--input-type=module', '-e', claim, dir.path], {
      encoding: 'utf8',
    })
  {
    await using _claim = await claimFolder(dir.path)
    assert.match(inChild().stderr, /another runner uses/)
  }
  const { status, stderr } = inChild()
  assert.equal(status, 0, stderr)
  await using _claim = await claimFolder(dir.path)
})

test('the file of the claim is for its owner alone and holds nothing', async () => {
  await using dir = await tempDir()
  await chmod(dir.path, 0o755)
  await using _claim = await claimFolder(dir.path)
  assert.equal((await stat(dir.join('claim.db'))).mode & 0o777, 0o600)
  assert.equal((await readFile(dir.join('claim.db'))).length, 0)
})

test('a folder on a full disk can be claimed again, as after a crash', {
  skip: !isRoot(),
}, async () => {
  await using dir = await tempDir()
  await using disk = await mountSmallDisk(dir.join('data'))
  {
    await using _claim = await claimFolder(dir.join('data'))
  }
  await disk?.fill()
  await using _claim = await claimFolder(dir.join('data'))
  await assert.rejects(claimFolder(dir.join('data')), taken)
})

test('what stands in the way of the lock is told', async () => {
  await using dir = await tempDir()
  await mkdir(dir.join('claim.db'))
  await assert.rejects(claimFolder(dir.path), {
    code: 'invalid',
    message: /can't lock .*claim\.db/,
  })
})
