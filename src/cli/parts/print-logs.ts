import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '../../client/client.ts'
import type { JobView, LogLine } from '../../contract/rest/views.ts'
import type { AttemptRef } from '../../core/ids.ts'
import type { Outcome } from '../../core/outcome.ts'
import { backoff } from '../../lib/async/backoff.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { followPipeline } from '../follow/follow-pipeline.ts'
import { watchPipeline } from '../follow/watch-pipeline.ts'
import { cleanJson, cleanLogText, cleanText } from '../terminal/clean-text.ts'
import { type CliIo, coloursFor, hasColour } from '../terminal/cli-io.ts'
import { exitCodeOfOutcome } from '../terminal/exit-code.ts'
import type { ClientOptions } from './client-command.ts'
import { getJobByName, isJobId, resolvePipeline } from './resolve.ts'

/** The options of `narwhal logs`. */
export interface LogsOptions extends ClientOptions {
  readonly follow?: boolean
  readonly attempt?: number
  readonly timestamps?: boolean
  readonly job?: string
}

/** Lines per request with --json. */
const PAGE = 5000
/** How long a follower retries without a line from the server. */
const PATIENCE_MS = 60_000

/** Prints the logs that the options select; sets the exit code after following to the end. */
export async function printLogs(
  client: ApiClient,
  given: string,
  options: LogsOptions,
  io: CliIo,
): Promise<void> {
  const jobs = await findJobs(client, given, options, io)
  const [only] = jobs
  if (options.follow && (jobs.length !== 1 || !only)) {
    if (options.json || options.attempt || options.timestamps) {
      throw new NarwhalError(
        'invalid',
        '--json, --attempt and --timestamps follow one job only: choose it with --job <name>',
      )
    }
    const id = await resolvePipeline(client, given)
    const outcome = await followPipeline(client, id, io, io.signal, { plain: true })
    return io.exit(exitCodeOfOutcome(outcome))
  }
  if (options.follow && only) {
    return io.exit(exitCodeOfOutcome(await followJob(client, only, options, io)))
  }
  if (options.json) return await printPages(client, jobs, options, io)
  const colours = coloursFor(io, io.stdout)
  const colour = hasColour(io, io.stdout)
  // A job that was never run, because it was skipped or still waits, has no log.
  const shown = jobs.length > 1 ? jobs.filter(({ attempts }) => attempts.length > 0) : jobs
  for (const [index, job] of shown.entries()) {
    if (jobs.length > 1) {
      io.stdout.write(`${index > 0 ? '\n' : ''}${colours.bold(`==> ${cleanText(job.name)}`)}\n`)
    }
    const ref = { jobId: job.id, attempt: options.attempt ?? job.attempt }
    for await (const line of client.readLogText(ref, options.timestamps ?? false)) {
      io.stdout.write(`${cleanLogText(line, colour)}\n`)
    }
  }
}

/** With --follow waits for a pipeline's first jobs, to print a single job's log without prefixes. */
async function findJobs(
  client: ApiClient,
  given: string,
  options: LogsOptions,
  io: CliIo,
): Promise<JobView[]> {
  if (isJobId(given)) return [await client.getJob(given)]
  const id = await resolvePipeline(client, given)
  if (options.follow) {
    await watchPipeline(client, id, {
      logs: 'none',
      until: (model) => model.jobs.size > 0,
      signal: io.signal,
    })
  }
  const found = await client.getPipeline(id)
  return options.job === undefined ? found.jobs : [getJobByName(found, options.job)]
}

/** Follows one attempt of a job, or all; resolves to the outcome. */
async function followJob(
  client: ApiClient,
  job: JobView,
  options: LogsOptions,
  io: CliIo,
): Promise<Outcome> {
  const print = printer(options, io)
  for (let number = options.attempt ?? job.attempt; ; ) {
    const ref = { jobId: job.id, attempt: number }
    for await (const line of followAttempt(client, ref, io.signal)) print(line)
    const now = await client.getJob(job.id)
    const attempt = now.attempts.find((one) => one.number === number)
    if (options.attempt !== undefined && attempt?.outcome) return attempt.outcome
    if (now.attempt === number || options.attempt !== undefined) {
      if (now.outcome) return now.outcome
      // The end of the log is published shortly before the end of the job.
      await sleep(50, undefined, { signal: io.signal })
    } else {
      number = now.attempt
    }
  }
}

/** The lines of an attempt to its end; resumes after the last one when the connection is lost. */
async function* followAttempt(
  client: ApiClient,
  ref: AttemptRef,
  signal: AbortSignal,
): AsyncGenerator<LogLine, void, undefined> {
  let from = 0
  let lastLineAt = performance.now()
  for (let tries = 0; ; tries += 1) {
    try {
      for await (const line of client.followLog(ref, from)) {
        from = line.number + 1
        tries = 0
        yield line
        lastLineAt = performance.now()
      }
      return
    } catch (reason) {
      const error = NarwhalError.from(reason)
      const isHopeless = performance.now() - lastLineAt > PATIENCE_MS
      if (signal.aborted || error.code !== 'unavailable' || isHopeless) throw error
    }
    await backoff(tries, { firstMs: 50, maxMs: 3000 }, signal)
  }
}

function printer(options: LogsOptions, io: CliIo): (line: LogLine) => void {
  if (options.json) return (line) => io.stdout.write(`${cleanJson(line, 0)}\n`)
  const colour = hasColour(io, io.stdout)
  return (line) => {
    const time = options.timestamps ? `${new Date(line.at).toISOString()} ` : ''
    io.stdout.write(`${time}${cleanLogText(line.text, colour)}\n`)
  }
}

/** One JSON document, streamed so that a long log takes no memory. */
async function printPages(
  client: ApiClient,
  jobs: readonly JobView[],
  options: LogsOptions,
  io: CliIo,
): Promise<void> {
  io.stdout.write('{"logs":[')
  for (const [index, job] of jobs.entries()) {
    const ref = { jobId: job.id, attempt: options.attempt ?? job.attempt }
    const head = JSON.stringify({ ...ref, name: job.name }).slice(0, -1)
    io.stdout.write(`${index > 0 ? ',' : ''}\n${head},"lines":[`)
    for (let from = 0; ; ) {
      const { lines, complete } = await client.readLog(ref, { from, limit: PAGE })
      const text = lines.map((line) => cleanJson(line, 0)).join(',\n')
      io.stdout.write(`${from > 0 && text ? ',' : ''}${text && '\n'}${text}`)
      from = (lines.at(-1)?.number ?? from - 1) + 1
      if (!complete && lines.length > 0) continue
      io.stdout.write(`],"complete":${complete}}`)
      break
    }
  }
  io.stdout.write(']}\n')
}
