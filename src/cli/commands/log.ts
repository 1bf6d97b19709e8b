import type { Command } from 'commander'
import { NarwhalError } from '../../lib/errors.ts'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
  wholeNumber,
} from '../parts/client-command.ts'
import { cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'

interface RedactOptions extends ClientOptions {
  readonly step?: string
  readonly attempt?: number
}

/** `narwhal log redact` */
export function addLogCommands(program: Command, io: CliIo): void {
  const log = program.command('log').description('what was written to the logs of jobs')
  addClientCommand(log, 'redact <job>', {
    summary: 'take the text of a log, or of one step, out of Narwhal',
    description:
      'For a log that has shown a secret: its text is replaced by a line that says who did it and when, in all attempts of the job. The outcome stays, and the SHA-256 of the text. It does not come back. Backups keep it: see the manual.',
    examples: [
      'log redact job_01jd3v6w5k8m',
      'log redact job_01jd3v6w5k8m --step deploy --attempt 2',
    ],
  })
    .option('--step <name>', 'the steps of this name; else the whole log')
    .option('--attempt <n>', 'this attempt alone; else all', wholeNumber('--attempt'))
    .action((job: string, options: RedactOptions) => redact(job, options, io))
}

async function redact(given: string, options: RedactOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const job = await client.getJob(given as `job_${string}`)
  const attempts = job.attempts
    .filter(({ number }) => options.attempt === undefined || number === options.attempt)
    // A former attempt may have ended before it came to the step.
    .filter(({ steps }) => options.attempt !== undefined || hasStep(steps, options.step))
  if (attempts.length === 0) {
    const what = options.step === undefined ? 'log' : `step ${JSON.stringify(options.step)}`
    throw new NarwhalError('not_found', `job ${job.id} (${job.name}) has no such ${what}`)
  }
  const body = options.step === undefined ? {} : { step: options.step }
  const done = []
  for (const { number: attempt } of attempts) {
    const params = { job: job.id, attempt }
    const redacted = await client.call('redactLog', { params, body })
    done.push({ attempt, ...redacted })
    if (options.json) continue
    const what = options.step === undefined ? 'the log' : `step ${cleanText(options.step)}`
    io.stdout.write(
      `redacted ${what} of attempt ${attempt}: ${redacted.lines} lines, SHA-256 ${redacted.sha256}\n`,
    )
  }
  if (options.json) return printJson(io, { redacted: done })
  if (done.some(({ isWiped }) => !isWiped)) {
    note(io, 'the database may keep former states for a while; backups keep them: see the manual')
  }
  note(io, 'give the secret another value: whoever has read the log has this one')
}

function hasStep(steps: readonly { readonly name: string }[], name: string | undefined): boolean {
  return name === undefined || steps.some((step) => step.name === name)
}
