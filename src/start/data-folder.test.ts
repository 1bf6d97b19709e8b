import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { test } from 'node:test'
import { recordedIo } from '../../test/support/cli/recorded-io.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { dataFolder } from './context.ts'

test('the data folder is told from the root, also where it was chosen from the working directory', async () => {
  await using dir = await tempDir()
  const io = recordedIo({ cwd: dir.path })
  const launch = { io, root: dir.path, version: 'test', flags: {} }
  assert.equal(dataFolder(launch, 'some/data'), dir.join('some/data'))
  assert.ok((await stat(dir.join('some/data'))).isDirectory())
  assert.equal(dataFolder(launch, dir.join('other')), dir.join('other'))
})
