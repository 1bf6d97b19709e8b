import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import {
  AttemptClient,
  headOf,
  orderOf,
  runnerClientAt,
} from '../../test/support/attempt-client.ts'
import { eventually } from '../../test/support/eventually.ts'
import { gitRepository } from '../../test/support/git-repository.ts'
import { jobJson } from '../../test/support/job-json.ts'
import { startRunnerProcess } from '../../test/support/runner-process.ts'
import { linesOf } from '../contract/log/log-chunk.ts'
import { chunkFromProto } from '../contract/rpc/rpc.ts'

const JOBS = 24
const LINES = 200

test('of many jobs at once each log has the lines of its own job, through breaks and a killed runner', async () => {
  await using repository = await gitRepository({ files: { a: 'a' } })
  await using runner = await startRunnerProcess({ name: 'many', slots: JOBS })
  const clientOf = () => runnerClientAt(runner.url)
  const commit = await headOf(repository)
  const names = Array.from({ length: JOBS }, (_, index) => `job_${String(index).padStart(2, '0')}`)
  const orders = names.map((name, index) => {
    const lines = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo "${name} out $i"; echo "${name} err $i" >&2; done`
    // Every second one is at work when the runner dies. Whoever may not end it: it ends with the folder.
    const wait = `if [ ! -e ${runner.folder}/again ]; then while [ -d ${runner.folder}/mirrors ]; do sleep 0.1; done; fi`
    const commands = index % 2 === 0 ? [lines, wait] : [lines]
    const job = jobJson({ steps: commands.map((command) => ({ command })), clone: 'none' })
    return orderOf(commit, [], { jobId: name, leaseMs: 20_000, job })
  })

  const attempts = orders.map((order) => ({ order, parts: [new AttemptClient(clientOf(), order)] }))
  const resume = ({ order, parts }: (typeof attempts)[number]): void => {
    if (parts.some(isFinished)) return
    const afterSeq = BigInt(Math.max(...parts.map(({ lastSeq }) => lastSeq)))
    parts.push(new AttemptClient(clientOf(), { ...order, resume: true, afterSeq }))
  }
  const heard = () => attempts.filter(({ parts }) => outputOf(parts).length > 0).length
  await eventually(() => heard() > JOBS / 3, { timeoutMs: 30_000 })
  for (const attempt of attempts.filter((_, index) => index % 3 === 0)) {
    attempt.parts[0]?.break()
    resume(attempt)
  }
  await eventually(() => heard() === JOBS, { timeoutMs: 30_000 })
  await runner.process.kill('SIGKILL')
  await runner.restart()
  // What the former process left, and at the same time the next attempts, by the same descriptors.
  for (const attempt of attempts) resume(attempt)
  await writeFile(`${runner.folder}/again`, '')
  const next = orders.map(
    (order) => new AttemptClient(clientOf(), { ...order, attempt: 2, fence: 2n }),
  )

  const all = [...attempts.map(({ parts }) => parts), ...next.map((one) => [one])]
  await eventually(() => all.every((parts) => parts.some(isFinished)), { timeoutMs: 60_000 })
  for (const [index, parts] of all.entries()) {
    const lines = outputOf(parts)
    checkLines(names[index % JOBS] ?? '', lines)
    if (index >= JOBS) assert.equal(lines.length, 2 * LINES)
  }
})

function isFinished(attempt: AttemptClient): boolean {
  return attempt.events.at(-1)?.event.case === 'finished'
}

/** What the steps wrote, in order, as the parts of a conversation told it, each event once. */
function outputOf(parts: readonly AttemptClient[]): string[] {
  const bySeq = new Map(parts.flatMap(({ events }) => events.map((event) => [event.seq, event])))
  const events = [...bySeq.values()].toSorted((a, b) => Number(a.seq - b.seq))
  return events.flatMap(({ event }) =>
    event.case === 'log'
      ? linesOf(chunkFromProto(event.value))
          .filter(({ stream }) => stream !== 'narwhal')
          .map(({ text }) => `${event.value.step} ${text}`)
      : [],
  )
}

/** Of each step and stream the lines that were told are the first ones, in order, and nothing else is there. */
function checkLines(name: string, lines: readonly string[]): void {
  const next = new Map<string, number>()
  for (const line of lines) {
    const [step, job, stream, number] = line.split(' ')
    assert.equal(job, name, `a line of another job: ${line}`)
    const count = (next.get(`${step} ${stream}`) ?? 0) + 1
    assert.equal(Number(number), count, `a line of ${name} is missing or moved: ${line}`)
    next.set(`${step} ${stream}`, count)
  }
}
