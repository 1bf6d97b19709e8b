import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import type { JobView } from '../../src/contract/rest/views.ts'
import { type BalancerKind, startBalancer } from './balancer.ts'
import { eventually } from './eventually.ts'
import { gitRepository } from './git-repository.ts'
import { type Installation, startUp } from './installation.ts'
import { type RunnerProcess, startRunnerProcess } from './runner-process.ts'
import { tempDir } from './temp-dir.ts'
import { RUNNER_TOKEN } from './tokens.ts'

type PipelineId = `pipeline_${string}`

/** A Narwhal with two runner processes of two slots each, behind the one URL of a balancer. */
export interface Farm extends AsyncDisposable {
  readonly narwhal: Installation
  readonly members: readonly [RunnerProcess, RunnerProcess]
  /** Starts a pipeline with a job for each script; all run on the farm. `$GO` is a path of the job's own. */
  start(scripts: readonly string[]): Promise<PipelineId>
  /** Creates the file that `$GO` of a job names. */
  go(job: JobView): Promise<void>
  /** Waits until the farm is seen with these members and slots. */
  untilSeen(expected: { members: number; slots: number }): Promise<void>
  /** The member that ran a job's attempt, from its log; null while that is empty. */
  memberOf(job: JobView, attempt?: number): Promise<RunnerProcess | null>
}

/** Prints its folder and then waits for `$GO`. */
export const WAIT = 'pwd; until [ -e "$GO" ]; do sleep 0.05; done'

export async function startFarm(kind: BalancerKind): Promise<Farm> {
  await using stack = new AsyncDisposableStack()
  const start = async (name: string): Promise<RunnerProcess> =>
    stack.use(await startRunnerProcess({ name, labels: 'farm' }))
  const members = await Promise.all([start('left'), start('right')])
  const balancer = stack.use(
    await startBalancer(
      kind,
      members.map(({ url }) => url),
    ),
  )
  const narwhal = stack.use(await startUp())
  const { client } = narwhal
  const repository = stack.use(await gitRepository({ files: { 'README.md': '' } }))
  const gates = stack.use(await tempDir())
  const { path: cloneUrl } = repository
  await client.addRepository({ name: 'ada/project', cloneUrl, pollIntervalMs: 0 })
  await client.addRunner({ name: 'farm', url: balancer.url, balanced: true, token: RUNNER_TOKEN })
  let pipelines = 0
  const farm: Farm = {
    narwhal,
    members,
    start: async (scripts) => {
      const prefix = gates.join(`${++pipelines}-`)
      const jobs = scripts.map((command, i) => {
        const steps = [{ name: 'step', command }]
        return [`job-${i}`, { labels: ['farm'], env: { GO: `${prefix}job-${i}` }, steps }]
      })
      const file = JSON.stringify({ name: prefix, jobs: Object.fromEntries(jobs) })
      await repository.commit({ 'narwhal.yml': file })
      return (await client.startPipeline({ repository: 'ada/project' })).id
    },
    go: async (job) => {
      const { pipeline } = await client.getPipeline(job.pipelineId)
      await writeFile(`${pipeline.name}${job.name}`, '')
    },
    untilSeen: async (expected) => {
      await eventually(
        async () => {
          const seen = (await client.listRunners()).find(({ name }) => name === 'farm')
          assert.deepEqual({ members: seen?.members, slots: seen?.slots }, expected)
          assert.equal(seen?.state, 'online')
        },
        { timeoutMs: 45_000 },
      )
    },
    memberOf: async ({ id: jobId }, attempt = 1) => {
      const { lines } = await client.readLog({ jobId, attempt }, { from: 0, limit: 100 })
      const place = lines.find(({ stream }) => stream === 'stdout')?.text ?? ''
      return members.find(({ folder }) => place.startsWith(folder)) ?? null
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
  const owned = stack.move()
  return farm
}
