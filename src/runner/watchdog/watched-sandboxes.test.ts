import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import type { SandboxHandle } from '../executor/executor.ts'
import { WatchedSandboxes } from './watched-sandboxes.ts'

const handleOf = (mark: string): SandboxHandle => ({ kind: 'processes', mark })

function stage(refuse: (mark: string) => boolean = () => false) {
  const ended: string[] = []
  const said: string[] = []
  const clock = { now: 0 }
  const end = async (handle: SandboxHandle) => {
    const mark = handle.kind === 'processes' ? handle.mark : ''
    if (refuse(mark)) throw new Error('the engine is away')
    ended.push(mark)
  }
  const say = (words: string) => void said.push(words)
  const sandboxes = new WatchedSandboxes({ now: () => clock.now, end, say })
  const watch = (id: number, mark: string) =>
    sandboxes.onLine({ type: 'watch', id, name: `job_${mark}`, handle: handleOf(mark) })
  const until = (id: number, atMs: number | null) => sandboxes.onLine({ type: 'until', id, atMs })
  const release = (id: number) => sandboxes.onLine({ type: 'release', id })
  return { sandboxes, clock, ended, said, watch, until, release }
}

test('ends what is late, and says so', async () => {
  const at = stage()
  at.watch(1, 'a')
  at.watch(2, 'b')
  at.watch(3, 'c')
  at.until(1, 10)
  at.until(2, 1_000_000)
  at.clock.now = 11
  await eventually(() => assert.deepEqual(at.ended, ['a']))
  await eventually(() =>
    assert.deepEqual(at.said, [
      'ended the sandbox of job_a: its runner did not renew its lease in time',
    ]),
  )
  at.until(2, null)
  at.until(1, null)
})

test('hears what was told before it acts on a moment', async () => {
  const at = stage()
  at.watch(1, 'a')
  at.until(1, 10)
  at.watch(2, 'b')
  at.until(2, 10)
  at.watch(3, 'c')
  at.until(3, 10)
  at.clock.now = 11
  at.until(1, 1_000_000)
  at.release(2)
  await eventually(() => assert.deepEqual(at.ended, ['c']))
  at.until(1, null)
})

test('ends everything once the runner has gone, and again what it has ended before', async () => {
  const at = stage()
  at.watch(1, 'a')
  at.watch(2, 'b')
  at.until(1, 0)
  await eventually(() => assert.deepEqual(at.ended, ['a']))
  await at.sandboxes.endAll()
  assert.deepEqual(at.ended.toSorted(), ['a', 'a', 'b'])
})

test('tries again until it works or the runner has ended it itself', async () => {
  let isAway = true
  const at = stage(() => isAway)
  at.watch(1, 'a')
  at.watch(2, 'b')
  at.until(1, 0)
  at.until(2, 0)
  await eventually(() => at.said.length === 2)
  at.release(2)
  isAway = false
  await eventually(() => assert.deepEqual(at.ended, ['a']))
  await at.sandboxes.endAll()
  assert.equal(at.ended.includes('b'), false)
  assert.equal(at.said[0], "can't end the sandbox of job_a, retrying: the engine is away")
})
