import type { Command } from 'commander'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
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
  const log = program.command('log').description('stored job logs')
  addClientCommand(log, 'redact <job>', {
    summary: 'delete the text of a log, or of one step',
    description:
      "For a log that leaked a secret: replaces its text by a line that says who did it and when, in all attempts of the job. The outcome and the SHA-256 of the text are kept. It can't be undone. Backups still have the text: see the manual.",
    examples: [
      'log redact job_01jd3v6w5k8m',
      'log redact job_01jd3v6w5k8m --step deploy --attempt 2',
    ],
  })
    .option('--step <name>', 'only steps of this name (default: the whole log)')
    .option('--attempt <n>', 'only this attempt (default: all)', wholeNumber('--attempt'))
    .action((job: string, options: RedactOptions) => redact(job, options, io))
}

async function redact(given: string, options: RedactOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const job = await client.getJob(given as `job_${string}`)
  const attempts = job.attempts
    .filter(({ number }) => options.attempt === undefined || number === options.attempt)
    // An earlier attempt may have ended before the step.
    .filter(({ steps }) => options.attempt !== undefined || hasStep(steps, options.step))
  if (attempts.length === 0) {
    const what = options.step === undefined ? 'log' : `step ${JSON.stringify(options.step)}`
    throw new NarwhalError('not_found', `job ${job.id} (${job.name}) has no such ${what}`)
  }
  const body = present({ step: options.step })
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
    note(io, 'the database may retain the text for a while, and backups keep it: see the manual')
  }
  note(io, 'change the secret: anyone who has read the log knows it')
}

function hasStep(steps: readonly { readonly name: string }[], name: string | undefined): boolean {
  return name === undefined || steps.some((step) => step.name === name)
}
