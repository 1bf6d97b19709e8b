import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { z } from 'zod'
import type { PipelineWithJobs } from '../../src/contract/rest/rest.ts'
import type { JobView } from '../../src/contract/rest/views.ts'
import { SerialQueue } from '../../src/lib/async/serial-queue.ts'
import { eventually } from './eventually.ts'
import { gitRepository } from './git-repository.ts'
import { finished, type Installation, logText, pipelineOf, push, register } from './installation.ts'

const FOLDER = new URL('../scenarios/', import.meta.url).pathname

const outcome = z.enum(['success', 'failure', 'error', 'cancelled', 'timeout', 'skipped'])

/** What a scenario's `expected.json` may contain; what it leaves out is not checked. */
const expectation = z.strictObject({
  /** Only possible with the fake engine; elsewhere steps are real shell in real containers. */
  fakeOnly: z.boolean().default(false),
  /** Cancel the pipeline once a step of this job runs. */
  cancelWhenRunning: z.string().optional(),
  /** The secrets of the repository, which all scenarios share. */
  secrets: z.record(z.string(), z.string()).default({}),
  outcome,
  reason: z.string().optional(),
  /** What is different under `narwhal run`, where a person waits for it. */
  locally: z.strictObject({ outcome, reason: z.string() }).optional(),
  problems: z
    .array(z.strictObject({ message: z.string(), line: z.number(), column: z.number() }))
    .optional(),
  jobs: z
    .record(
      z.string(),
      z.strictObject({
        outcome,
        reason: z.string().optional(),
        /** The outcomes of its steps by name, in order. */
        steps: z.record(z.string(), outcome).optional(),
        attempts: z.number().optional(),
        /** Lines that must be in its log. */
        log: z.array(z.string()).optional(),
        /** Texts that must not be in its log. */
        hides: z.array(z.string()).optional(),
        /** Jobs that must have ended before it started. */
        startsAfter: z.array(z.string()).optional(),
      }),
    )
    .default({}),
})

export interface Scenario {
  readonly name: string
  /** Absent: the commit has no such file. */
  readonly file: string | undefined
  /** The other files of its folder, by their paths in the repository. */
  readonly files: Readonly<Record<string, string>>
  readonly expected: z.output<typeof expectation>
}

/** The folders of `test/scenarios`: each a `narwhal.yml` and its expected result. */
export async function listScenarios(): Promise<Scenario[]> {
  const names = (await readdir(FOLDER)).sort()
  return await Promise.all(
    names.map(async (name) => {
      const read = (file: string): Promise<string> => readFile(join(FOLDER, name, file), 'utf8')
      const expected = expectation.parse(JSON.parse(await read('expected.json')))
      const file = await read('narwhal.yml').catch(() => undefined)
      return { name, file, files: await otherFiles(join(FOLDER, name)), expected }
    }),
  )
}

async function otherFiles(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => path !== 'narwhal.yml' && path !== 'expected.json')
  const texts = paths.map((path) => readFile(join(folder, path), 'utf8'))
  return Object.fromEntries((await Promise.all(texts)).map((text, i) => [paths[i] ?? '', text]))
}

/** Runs scenarios, each as one commit of the same repository. */
export interface ScenarioStage extends AsyncDisposable {
  /** Checks the result of the scenario's file against what is expected. */
  run(scenario: Scenario): Promise<void>
}

export async function scenarioSecrets(): Promise<Readonly<Record<string, string>>> {
  const all = new Map<string, string>()
  for (const { name, expected } of await listScenarios()) {
    for (const [secret, value] of Object.entries(expected.secrets)) {
      const known = all.get(secret) ?? value
      assert.equal(value, known, `${name}: another scenario has another ${secret}`)
      all.set(secret, value)
    }
  }
  return Object.fromEntries(all)
}

/** By pushes to an installation. */
export async function openScenarios(installation: Installation): Promise<ScenarioStage> {
  await using stack = new AsyncDisposableStack()
  const first = { 'README.md': 'hello\n' }
  const repository = stack.use(await gitRepository({ files: first, serve: true }))
  const registered = await register(installation, repository.url)
  for (const [name, value] of Object.entries(await scenarioSecrets())) {
    await installation.client.setSecret(name, { value }, registered.id)
  }
  const commits = new SerialQueue()
  const parts = stack.move()
  return {
    run: async ({ file = null, files, expected }) => {
      const all = { ...files, 'narwhal.yml': file }
      const sha = await commits.run(() => repository.commit(all))
      const reply = await push(installation, registered, { sha })
      assert.equal(reply.status, 202, JSON.stringify(reply.body))
      const { id } = await pipelineOf(installation, reply.body.eventId)
      if (expected.cancelWhenRunning) {
        await cancelWhenRunning(installation, id, expected.cancelWhenRunning)
      }
      const check = async (): Promise<void> => {
        const ended = await finished(installation, id)
        await checkEnd(ended, expected, (job) =>
          logText(installation, { id: job.id, attempt: job.attempt }),
        )
      }
      // A cancel is final at once; what is cleaned up after it is reported later.
      if (expected.cancelWhenRunning) await eventually(check, { timeoutMs: 60_000 })
      else await check()
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

type Ended = Pick<PipelineWithJobs, 'pipeline' | 'jobs'>
type ReadLog = (job: JobView) => Promise<string> | string

/** Checks the end of a pipeline, however it was run, against what is expected. */
export async function checkEnd(
  ended: Ended,
  expected: Scenario['expected'],
  readLog: ReadLog,
): Promise<void> {
  assert.equal(ended.pipeline.outcome, expected.outcome, JSON.stringify(ended, null, 1))
  if (expected.reason)
    assert.ok(ended.pipeline.reason?.includes(expected.reason), ended.pipeline.reason)
  if (expected.problems) {
    const problems = ended.pipeline.problems.map(({ message, line, column }) => ({
      message,
      line,
      column,
    }))
    assert.deepEqual(problems, expected.problems)
  }
  assert.deepEqual(
    Object.fromEntries(ended.jobs.map((job) => [job.name, job.outcome])),
    Object.fromEntries(Object.entries(expected.jobs).map(([name, job]) => [name, job.outcome])),
  )
  for (const [name, job] of Object.entries(expected.jobs)) {
    await checkJob({ ended, readLog }, name, job)
  }
}

type ExpectedJob = z.output<typeof expectation>['jobs'][string]

async function checkJob(
  { ended, readLog }: { readonly ended: Ended; readonly readLog: ReadLog },
  name: string,
  expected: ExpectedJob,
): Promise<void> {
  const job = ended.jobs.find((one) => one.name === name)
  assert.ok(job, name)
  if (expected.reason) assert.ok(job.reason?.includes(expected.reason), `${name}: ${job.reason}`)
  const attempt = job.attempts.at(-1)
  if (expected.attempts) assert.equal(job.attempts.length, expected.attempts, name)
  if (expected.steps) {
    const steps = attempt?.steps.map((step) => [step.name, step.outcome])
    assert.deepEqual(steps, Object.entries(expected.steps))
  }
  if (expected.log) {
    const text = await readLog(job)
    for (const line of expected.log) assert.ok(text.split('\n').includes(line), `${name}: ${text}`)
  }
  for (const text of expected.hides ?? []) assert.ok(!(await readLog(job)).includes(text), name)
  for (const other of expected.startsAfter ?? []) {
    const before = ended.jobs.find((one) => one.name === other)
    assert.ok(before?.finishedAt && attempt && attempt.assignedAt >= before.finishedAt, other)
  }
}

async function cancelWhenRunning(
  { client }: Installation,
  id: `pipeline_${string}`,
  name: string,
): Promise<void> {
  await eventually(
    async () => {
      const { jobs } = await client.getPipeline(id)
      const steps = jobs.find((job) => job.name === name)?.attempts.at(-1)?.steps ?? []
      return steps.some((step) => step.status === 'running')
    },
    { message: `a step of job ${name} to run`, timeoutMs: 30_000 },
  )
  await client.cancelPipeline(id)
}
