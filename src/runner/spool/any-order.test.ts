import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FACTS, logOf, openSpools, readAll } from '../../../test/support/spool.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { linesOf } from '../../contract/log/log-chunk.ts'

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

/** Whole numbers below a bound, the same for the same seed. */
function dice(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * bound)
  }
}

for (const seed of [1, 2, 3, 4]) {
  test(`in whatever order one appends, reads and acknowledges, nothing is missing (${seed})`, async () => {
    await using dir = await tempDir()
    const below = dice(seed)
    let acked = 0
    let appended = 0
    {
      await using spools = await openSpools(dir.path, { attemptBytes: 8 * 2 ** 20 })
      const spool = spools.create(FACTS, () => {})
      let sent = 0
      while (appended < 400) {
        const what = below(10)
        if (what < 4) {
          for (let count = below(8); count > 0 && !spool.room(); count--) {
            appended += 1
            spool.append(logOf(appended, 1 + below(20), 100 + below(100_000)))
          }
        } else if (what < 8) {
          for (let count = below(8); count > 0; count--) {
            const next = await spool.next(sent)
            if (sent === appended) assert.equal(next, undefined)
            if (!next) break
            assert.equal(next.seq, Math.max(sent, acked) + 1)
            assert.ok(next.event.type === 'log')
            assert.equal(Number.parseInt(linesOf(next.event.chunk)[0]?.text ?? ''), next.seq)
            sent = next.seq
          }
        } else if (what < 9) {
          acked = Math.max(acked, acked + below(sent - acked + 1))
          spool.acknowledge(acked)
        } else {
          // Another reader, which has what the store has; or one that is as far as this one.
          sent = below(2) === 0 ? acked : Math.max(sent, acked)
          await nextTurn()
        }
        // A writer that waits for the disk, while nobody reads, waits until some is acknowledged.
        if (spool.room() && spool.bytes > 8 * 2 ** 20) {
          await readAll(spool, acked)
          acked += Math.ceil((appended - acked) / 2)
          spool.acknowledge(acked)
          sent = Math.max(sent, acked)
        }
      }
    }
    await using spools = await openSpools(dir.path)
    const [attempt] = spools.recovered
    const all = await readAll(attempt?.events ?? assert.fail(), acked)
    const logs = all.filter(({ seq }) => seq > acked && seq <= appended)
    assert.deepEqual(
      logs.map(
        ({ event }) => event.type === 'log' && Number.parseInt(linesOf(event.chunk)[0]?.text ?? ''),
      ),
      Array.from({ length: appended - acked }, (_, index) => acked + index + 1),
    )
    assert.equal(all.at(-1)?.event.type, 'finished')
  })
}
