import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JobView } from '../src/contract/rest/views.ts'
import { skipBalancer } from './support/balancer.ts'
import { eventually } from './support/eventually.ts'
import { type Farm, startFarm, WAIT } from './support/farm.ts'
import { finished } from './support/installation.ts'
import type { RunnerProcess } from './support/runner-process.ts'
import { findProcesses } from './support/sandbox-processes.ts'

type PipelineId = `pipeline_${string}`

describe('two runners behind one URL', { concurrency: true }, () => {
  test('of HAProxy, which balances connections', { skip: skipBalancer('haproxy') }, async () => {
    await using farm = await startFarm('haproxy')
    await useFarm(farm)
  })

  test('of nginx, which balances calls', { skip: skipBalancer('nginx') }, async () => {
    await using farm = await startFarm('nginx')
    await useFarm(farm)
  })
})

async function useFarm(farm: Farm): Promise<void> {
  await farm.untilSeen({ members: 2, slots: 4 })
  await runManyJobs(farm)
  await cancelOne(farm)
  await loseOne(farm)
}

/** Far more jobs than slots: all are done, each once, and both members had some. */
async function runManyJobs(farm: Farm): Promise<void> {
  const id = await farm.start(Array.from({ length: 20 }, () => 'pwd'))
  const { pipeline, jobs } = await finished(farm.narwhal, id)
  assert.equal(pipeline.outcome, 'success', JSON.stringify(jobs, null, 1))
  assert.deepEqual([...new Set(jobs.map(({ attempts }) => attempts.length))], [1])
  const used = new Set(await Promise.all(jobs.map((job) => farm.memberOf(job))))
  assert.deepEqual(used, new Set(farm.members))
}

/** All four slots in use; the cancelled job ends where it runs, and only that one. */
async function cancelOne(farm: Farm): Promise<void> {
  const sleeps = [0, 1, 2, 3].map((i) => `30${i}.${process.pid}${farm.members[0].port}`)
  const id = await farm.start(sleeps.map((time) => `pwd; exec sleep ${time}`))
  const running = await untilRunning(farm, id, 4)
  const places = running.map(({ member }) => member.name).sort()
  assert.deepEqual(places, ['left', 'left', 'right', 'right'])
  const alive = async (): Promise<number[]> => {
    const found = await Promise.all(sleeps.map((time) => findProcesses(time)))
    return found.flatMap((pids, i) => (pids.length > 0 ? [i] : []))
  }
  await eventually(async () => assert.deepEqual(await alive(), [0, 1, 2, 3]))
  const [first] = running
  assert.ok(first)
  assert.equal((await farm.narwhal.client.cancelJob(first.job.id)).outcome, 'cancelled')
  await eventually(async () => assert.deepEqual(await alive(), [1, 2, 3]))
  await farm.narwhal.client.cancelPipeline(id)
  await eventually(async () => assert.deepEqual(await alive(), []))
}

/** One process is killed: its jobs are the other's next, and it is found again when it is back. */
async function loseOne(farm: Farm): Promise<void> {
  const id = await farm.start([WAIT, WAIT, WAIT, WAIT])
  const running = await untilRunning(farm, id, 4)
  const [left] = farm.members
  await left.process.kill()
  await farm.untilSeen({ members: 1, slots: 2 })
  const survivors = running.filter(({ member }) => member !== left)
  const orphans = running.filter(({ member }) => member === left)
  assert.equal(orphans.length, 2)
  for (const { job } of survivors) await farm.go(job)
  const again = await untilRunning(farm, id, 2, 2)
  assert.deepEqual(names(again), names(orphans))
  for (const { job, member } of again) {
    assert.notEqual(member, left)
    await farm.go(job)
  }
  const ended = await finished(farm.narwhal, id)
  assert.equal(ended.pipeline.outcome, 'success')
  for (const job of ended.jobs) {
    const isOrphan = orphans.some((one) => one.job.id === job.id)
    const outcomes = job.attempts.map(({ outcome }) => outcome)
    assert.deepEqual(outcomes, isOrphan ? ['error', 'success'] : ['success'])
    if (isOrphan) assert.match(job.attempts[0]?.reason ?? '', /^runner lost: /)
  }

  await left.restart()
  await farm.untilSeen({ members: 2, slots: 4 })
  const last = await farm.start([WAIT, WAIT, WAIT, WAIT])
  for (const { job } of await untilRunning(farm, last, 4)) await farm.go(job)
  assert.equal((await finished(farm.narwhal, last)).pipeline.outcome, 'success')
}

interface Running {
  readonly job: JobView
  readonly member: RunnerProcess
}

/** The jobs that run an attempt of this number and have said where, as soon as there are so many. */
async function untilRunning(
  farm: Farm,
  id: PipelineId,
  count: number,
  attempt = 1,
): Promise<Running[]> {
  return await eventually(
    async () => {
      const { jobs } = await farm.narwhal.client.getPipeline(id)
      const running: Running[] = []
      for (const job of jobs) {
        if (job.status !== 'running' || job.attempt !== attempt) continue
        const member = await farm.memberOf(job, attempt)
        if (member) running.push({ job, member })
      }
      return running.length === count ? running : null
    },
    { timeoutMs: 60_000, message: `${count} jobs that run attempt ${attempt}` },
  )
}

const names = (running: readonly Running[]): string[] => running.map(({ job }) => job.name)
