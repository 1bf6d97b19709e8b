import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '../support/temp-dir.ts'
import { changesOf } from './check/evidence-of.ts'
import type { Cancel, Change, Delivery } from './evidence.ts'
import { Moments } from './moments.ts'
import type { Moment } from './script.ts'

const NEVER = new AbortController().signal

async function openRun() {
  const dir = await tempDir()
  const deliveries: Delivery[] = []
  const cancels: Cancel[] = []
  const changes: Change[] = []
  const moments = new Moments({ deliveries, cancels, changes, witnessFolder: dir.path })
  return {
    acknowledge: (sha: string, result: Delivery['result'] = 'acked') => {
      const id = `delivery-${deliveries.length}`
      deliveries.push({ id, sha, move: sha, agent: 'agent-1', sentAt: 1, answeredAt: 2, result })
    },
    cancel: (id: string) => {
      cancels.push({ kind: 'job', id, askedAt: 1, answeredAt: 2, result: 'acked' })
    },
    end: (id: string) => {
      changes.push(...changesOf({ kind: 'pipeline', id, status: 'finished' }))
    },
    beginStep: (name: string, runner: string) =>
      writeFile(dir.join(name), `begin 1.00 ${runner}\n`),
    endStep: (name: string, runner: string) =>
      writeFile(dir.join(name), `begin 1.00 ${runner}\nend 2.00 -\n`),
    /** What has become of a wait after all that could move it has moved it. */
    wait: async (moment: Moment, signal = NEVER) => {
      const state = { isOver: false, over: Promise.resolve() }
      state.over = moments.wait(moment, signal).then(() => {
        state.isOver = true
      })
      // So that it has counted what was there before.
      await moments.wait({ afterMs: 50 }, NEVER)
      return state
    },
    look: () => moments.wait({ afterMs: 100 }, NEVER),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  }
}

test('a moment comes when so many more have happened than when the wait began', async () => {
  await using run = await openRun()
  run.acknowledge('a')
  const wait = await run.wait({ more: { acked: 2 } })
  run.acknowledge('b')
  run.acknowledge('c', 'unknown')
  await run.look()
  assert.equal(wait.isOver, false)
  run.acknowledge('c')
  await wait.over
})

test('a commit that is acknowledged again, and a pipeline that ends again, are no more', async () => {
  await using run = await openRun()
  const [acked, ended] = [
    await run.wait({ more: { acked: 2 } }),
    await run.wait({ more: { ended: 2 } }),
  ]
  for (let again = 0; again < 2; again++) {
    run.acknowledge('a')
    run.end('pipeline_1')
  }
  await run.look()
  assert.deepEqual([acked.isOver, ended.isOver], [false, false])
  run.acknowledge('b')
  run.end('pipeline_2')
  await Promise.all([acked.over, ended.over])
})

test('a step that is under way on a runner is told from one that has ended, and from one elsewhere', async () => {
  await using run = await openRun()
  const wait = await run.wait({ runningOn: 'runner-1' })
  await run.beginStep('job_1.1.0.7', 'runner-2')
  await run.endStep('job_2.1.0.8', 'runner-1')
  await run.look()
  assert.equal(wait.isOver, false)
  await run.beginStep('job_3.1.0.9', 'runner-1')
  await wait.over
})

test('all of a moment has to hold', async () => {
  await using run = await openRun()
  const wait = await run.wait({ more: { begun: 1, cancelled: 1 } })
  await run.beginStep('job_1.1.0.7', 'runner-1')
  await run.look()
  assert.equal(wait.isOver, false)
  run.cancel('job_1')
  await wait.over
})

test('nobody waits any longer when the run is over', async () => {
  await using run = await openRun()
  const over = new AbortController()
  const wait = await run.wait({ more: { ended: 1 } }, over.signal)
  over.abort()
  await wait.over
})
