import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FACTS, openSpools, readAll, unpackable } from '../../../test/support/spool.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { linesOf } from '../../contract/log/log-chunk.ts'
import { JobLog } from '../log/job-log.ts'
import { HeldLog } from './held-log.ts'

const LINES = 2_000
const MOST_BYTES = 100_000

test('keeps the newest of a log that is held, and says how much is missing', async () => {
  await using dir = await tempDir()
  await using spools = await openSpools(dir.path)
  const events = spools.create(FACTS, () => {})
  const job = new JobLog(events, { maxBytes: 1024 ** 3, onFlood: () => {} })
  const log = new HeldLog(2, MOST_BYTES, events.mask)
  const text = (number: number) => `${number} ${unpackable(150, number)}`
  for (let number = 0; number < LINES; number++) {
    await log.write('stdout', Buffer.from(`${text(number)}\n`))
    // Sends on what was written.
    log.say('so far')
  }
  assert.equal(events.lastSeq, 0)
  await log.release(job)
  await log.write('stdout', Buffer.from('too late\n'))
  await log.release(job)
  const told = (await readAll(events)).flatMap(({ event }) =>
    event.type === 'log' && event.chunk.step === 2 ? linesOf(event.chunk) : [],
  )
  const [first, ...lines] = told.map((line) => line.text)
  const kept = lines.filter((line) => line !== 'so far')
  const lost = Number(/^(\d+) lines before this are omitted/.exec(first ?? '')?.[1])
  assert.ok(lost > 0)
  assert.equal(lost + lines.length, 2 * LINES)
  const newest = Array.from(kept, (_, i) => text(LINES - kept.length + i))
  assert.deepEqual(kept, newest)
  assert.ok(kept.length * 150 < 2 * MOST_BYTES)
})
