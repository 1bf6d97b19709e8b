import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { diskNote } from './disk-note.ts'

test('only a trouble of writing has a note on the disk, and is of no room only where there is none', async () => {
  await using folder = await tempDir()
  const other = await diskNote(new NarwhalError('unavailable', 'no such host'), folder.path)
  assert.deepEqual(other, { words: '', code: 'unavailable' })
  const note = await diskNote(new Error('unable to write file big'), folder.path)
  const [, megabytes] = / \(the runner's disk has (\d+) MB left\)$/.exec(note.words) ?? []
  assert.equal(note.code, Number(megabytes) < 100 ? 'exhausted' : 'unavailable', note.words)
  for (const words of [
    "error: cannot update ref 'refs/narwhal/1': couldn't write '/data/refs/narwhal/1.lock'",
    "error: cannot lock ref 'refs/narwhal/1': Unable to create '/data/refs/narwhal/1.lock'",
    'fatal: write error: No space left on device',
    'fatal: could not create work tree dir',
    'error: failed to write new configuration file /data/config.lock',
    'fatal: cannot store pack file',
  ]) {
    assert.match((await diskNote(new Error(words), folder.path)).words, /MB left/, words)
  }
  const gone = await diskNote(new Error('unable to write file big'), folder.join('gone'))
  assert.deepEqual(gone, { words: '', code: 'unavailable' })
})
