import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { withoutBubblewrap } from './support/bubblewrap-jobs.ts'
import { eventually } from './support/eventually.ts'
import { gitRepository } from './support/git-repository.ts'
import { importTestImage, withoutContainers } from './support/imported-image.ts'
import { finished, type Installation, logText, startUp } from './support/installation.ts'
import { testService } from './support/services.ts'
import { tempDir } from './support/temp-dir.ts'

/** Steps that always run, after a cancel: with real sandboxes, on a whole Narwhal. */

const up = { name: 'up', command: 'echo up > state; echo ready; sleep 600' }
const down = (command: string) => ({ name: 'down', command, when: { status: 'always' } })
const fileOf = (job: object) => ({ 'narwhal.yml': JSON.stringify({ jobs: { stack: job } }) })

async function startJob(narwhal: Installation, cloneUrl: string) {
  await narwhal.client.addRepository({ name: 'ada/app', cloneUrl, pollIntervalMs: 0 })
  const { id } = await narwhal.client.startPipeline({ repository: 'ada/app' })
  await eventually(
    async () => {
      const job = await jobOf(narwhal, id)
      assert.equal(await logText(narwhal, { id: job.id, attempt: 1 }), 'ready')
    },
    { timeoutMs: 60_000 },
  )
  return id
}

async function jobOf({ client }: Installation, id: `pipeline_${string}`) {
  const [job] = (await client.getPipeline(id)).jobs
  assert.ok(job)
  return job
}

async function busyOf({ client }: Installation): Promise<number | undefined> {
  return (await client.listRunners())[0]?.busy
}

const EXECUTORS = [
  { executor: 'process:', skip: false },
  { executor: 'bubblewrap:', skip: await withoutBubblewrap() },
  {
    executor: `docker:${testService('docker').url}`,
    skip: testService('docker').skip,
    image: 'narwhal-test/busybox',
  },
  { executor: 'oci:', skip: await withoutContainers(), image: 'narwhal-test/busybox' },
] as const

for (const { executor, skip, ...image } of EXECUTORS) {
  const name = executor.slice(0, executor.indexOf(':'))
  test(`${name}: a cancelled job is cancelled at once, and cleans up in its own sandbox`, {
    skip,
  }, async () => {
    const tidy = down(
      'echo "down from $(cat state): $NARWHAL_JOB_STATUS"; echo wrong >&2; echo end',
    )
    await using repository = await gitRepository({ files: fileOf({ ...image, steps: [up, tidy] }) })
    await using data = await tempDir()
    if (executor === 'oci:') await importTestImage(data.path)
    await using narwhal = await startUp({ executor, data: data.path })
    const id = await startJob(narwhal, repository.path)
    await narwhal.client.cancelPipeline(id)
    assert.equal((await finished(narwhal, id)).pipeline.outcome, 'cancelled')
    await eventually(
      async () => {
        const job = await jobOf(narwhal, id)
        const steps = job.attempts.at(-1)?.steps.map((step) => [step.name, step.outcome])
        assert.deepEqual(steps, [
          ['up', 'cancelled'],
          ['down', 'success'],
        ])
        const text = await logText(narwhal, { id: job.id, attempt: 1 })
        // Some shells report how their program ended.
        assert.equal(text.replace('Terminated\n', ''), 'ready\ndown from up: cancelled\nwrong\nend')
        assert.equal(await busyOf(narwhal), 0)
      },
      { timeoutMs: 60_000 },
    )
  })
}

test('the slot stays taken until the cleanup has ended', async () => {
  await using dir = await tempDir()
  const wait = `until [ -e ${dir.join('go')} ]; do sleep 0.05; done; echo tidied`
  await using repository = await gitRepository({ files: fileOf({ steps: [up, down(wait)] }) })
  await using narwhal = await startUp({ executor: 'process:', slots: '1' })
  const id = await startJob(narwhal, repository.path)
  await narwhal.client.cancelPipeline(id)
  const next = await narwhal.client.startPipeline({ repository: 'ada/app' })
  const [waiting] = await eventually(async () => {
    const { jobs } = await narwhal.client.listQueue()
    return jobs.length > 0 ? jobs : null
  })
  assert.match(waiting?.reason ?? '', /slot/)
  await writeFile(dir.join('go'), '')
  await eventually(async () => {
    assert.equal((await jobOf(narwhal, next.id)).status, 'running')
  })
  const job = await jobOf(narwhal, id)
  assert.match(await logText(narwhal, { id: job.id, attempt: 1 }), /tidied/)
  await narwhal.client.cancelPipeline(next.id)
})

test('a second cancel ends the cleanup, and a third has nothing to do', async () => {
  const deaf = down('echo deaf; trap "" TERM; while :; do sleep 0.1; done')
  await using repository = await gitRepository({ files: fileOf({ steps: [up, deaf] }) })
  await using narwhal = await startUp({ executor: 'process:' })
  const id = await startJob(narwhal, repository.path)
  await narwhal.client.cancelPipeline(id)
  const job = await jobOf(narwhal, id)
  await eventually(async () => {
    assert.equal(await logText(narwhal, { id: job.id, attempt: 1 }), 'ready\ndeaf')
  })
  await narwhal.client.cancelJob(job.id)
  await eventually(async () => assert.equal(await busyOf(narwhal), 0))
  const steps = (await jobOf(narwhal, id)).attempts.at(-1)?.steps
  assert.equal(steps?.[1]?.outcome, 'cancelled')
  await assert.rejects(narwhal.client.cancelPipeline(id), { code: 'conflict' })
})

test('`--cleanup-timeout 0` leaves cleanup steps out', async () => {
  await using repository = await gitRepository({
    files: fileOf({ steps: [up, down('echo never')] }),
  })
  await using narwhal = await startUp({ executor: 'process:', cleanupTimeout: '0' })
  const id = await startJob(narwhal, repository.path)
  await narwhal.client.cancelPipeline(id)
  await eventually(async () => assert.equal(await busyOf(narwhal), 0))
  const job = await jobOf(narwhal, id)
  assert.equal(job.attempts.at(-1)?.steps[1]?.outcome, 'skipped')
  assert.equal(await logText(narwhal, { id: job.id, attempt: 1 }), 'ready')
})
