import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { ApiClient } from '../src/client/client.ts'
import type { JobView } from '../src/contract/rest/views.ts'
import { eventually } from './support/eventually.ts'
import { freePort } from './support/free-port.ts'
import { type GitRepository, gitRepository } from './support/git-repository.ts'
import { finished, logText, startUp } from './support/installation.ts'
import { type NarwhalProcess, startNarwhal } from './support/narwhal-process.ts'
import { startRunnerProcess } from './support/runner-process.ts'
import { tempDir } from './support/temp-dir.ts'
import { clientOf, RUNNER_TOKEN } from './support/tokens.ts'

/** Counts aloud until the file is there. */
const COUNT = 'i=0; until [ -e "$GO" ]; do echo "line $i"; i=$((i+1)); sleep 0.02; done; echo end'

function fileOf(go: string): { 'narwhal.yml': string } {
  const steps = [{ name: 'step', command: COUNT }]
  const jobs = { count: { labels: ['far'], env: { GO: go }, steps } }
  return { 'narwhal.yml': JSON.stringify({ jobs }) }
}

async function startCount(client: ApiClient, repository: GitRepository): Promise<JobView> {
  const { path: cloneUrl } = repository
  await client.addRepository({ name: 'ada/project', cloneUrl, pollIntervalMs: 0 })
  const { id } = await client.startPipeline({ repository: 'ada/project' })
  return await eventually(
    async () => {
      const { jobs } = await client.getPipeline(id)
      return jobs.find(({ attempts }) => (attempts[0]?.lines ?? 0) > 20) ?? null
    },
    { timeoutMs: 30_000, message: 'a job that counts' },
  )
}

const linesOf = async (client: ApiClient, { id }: JobView, attempt = 1): Promise<number> =>
  (await client.getJob(id)).attempts.find(({ number }) => number === attempt)?.lines ?? 0

test('a runner that was stopped and started again runs its jobs as the next attempt', async () => {
  await using gate = await tempDir()
  await using repository = await gitRepository({ files: fileOf(gate.join('go')) })
  await using narwhal = await startUp()
  await using runner = await startRunnerProcess({ name: 'far', labels: 'far' })
  const { client } = narwhal
  await client.addRunner({ name: 'far', url: runner.url, token: RUNNER_TOKEN })
  const job = await startCount(client, repository)
  await runner.process.kill('SIGTERM')
  await eventually(async () => {
    const [far] = (await client.listRunners()).filter(({ name }) => name === 'far')
    assert.equal(far?.state, 'offline')
    assert.ok(far.reason)
  })
  await runner.restart()
  await eventually(async () => (await linesOf(client, job, 2)) > 0, { timeoutMs: 45_000 })
  await writeFile(gate.join('go'), '')
  const { pipeline, jobs } = await finished(narwhal, job.pipelineId)
  assert.equal(pipeline.outcome, 'success')
  const attempts = jobs[0]?.attempts ?? []
  assert.deepEqual(
    attempts.map(({ outcome }) => outcome),
    ['error', 'success'],
  )
  assert.match(attempts[0]?.reason ?? '', /the job is handed back$/)
})

test('a killed dispatcher costs a job nothing: it goes on, and its log has no hole', async () => {
  await using gate = await tempDir()
  await using data = await tempDir()
  await using repository = await gitRepository({ files: fileOf(gate.join('go')) })
  await using runner = await startRunnerProcess({ name: 'far', labels: 'far' })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const client = clientOf(url, data.path)
  const launch = async (): Promise<NarwhalProcess> => {
    const flags = ['--port', String(port), '--data', data.path, '--executor', 'fake:']
    const started = startNarwhal(['up', ...flags])
    await eventually(() => started.said().includes('is up'), { timeoutMs: 30_000 }).catch(
      (cause: unknown) => {
        throw new Error(started.said(), { cause })
      },
    )
    return started
  }
  await using first = await launch()
  await client.addRunner({ name: 'far', url: runner.url, token: RUNNER_TOKEN })
  const job = await startCount(client, repository)
  await first.kill('SIGKILL')

  await using _second = await launch()
  const before = await linesOf(client, job)
  await eventually(async () => (await linesOf(client, job)) > before + 20, { timeoutMs: 30_000 })
  await writeFile(gate.join('go'), '')
  const { pipeline, jobs } = await finished({ client }, job.pipelineId)
  assert.equal(pipeline.outcome, 'success')
  assert.equal(jobs[0]?.attempts.length, 1)
  const lines = (await logText({ client }, { id: job.id, attempt: 1 })).split('\n')
  assert.equal(lines.pop(), 'end')
  assert.deepEqual(
    lines,
    lines.map((_, i) => `line ${i}`),
  )
})
