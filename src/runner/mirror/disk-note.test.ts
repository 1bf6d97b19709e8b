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
  const gone = await diskNote(new Error('unable to write file big'), folder.join('gone'))
  assert.deepEqual(gone, { words: '', code: 'unavailable' })
})
