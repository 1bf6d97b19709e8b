import type { Command } from 'commander'
import { NarwhalError } from '../../../lib/errors.ts'
import {
  addClientCommand,
  type ClientOptions,
  openClient,
  printJson,
} from '../../parts/client-command.ts'
import { resolvePipeline } from '../../parts/resolve.ts'
import { cleanText } from '../../terminal/clean-text.ts'
import type { CliIo } from '../../terminal/cli-io.ts'
import { parseEnd } from '../../terminal/parse-when.ts'

interface KeepOptions extends ClientOptions {
  readonly until?: string
  readonly because?: string
  readonly release?: boolean
}

/** `narwhal pipeline keep` */
export function addPipelineKeep(pipeline: Command, io: CliIo): void {
  addClientCommand(pipeline, 'keep <pipeline>', {
    summary: 'exempt a pipeline, with its logs and reruns, from retention',
    description:
      'Keeps a pipeline with its jobs, logs and reruns until a date, whatever the retention rules, even if its repository is removed. Requires an administrator; the audit log records who and why.',
    examples: [
      'pipeline keep octocat/hello#12 --until 2028-01-01 --because "case 4711"',
      'pipeline keep octocat/hello#12 --release',
    ],
  })
    .option('--until <when>', 'a date like 2028-01-01, or a time from now like 400d')
    .option('--because <text>', 'the reason')
    .option('--release', 'apply the retention rules again')
    .action((given: string, options: KeepOptions) => keep(given, options, io))
}

async function keep(given: string, options: KeepOptions, io: CliIo): Promise<void> {
  const hold = holdOf(options, io.now())
  const client = await openClient(options, io)
  const params = { pipeline: await resolvePipeline(client, given) }
  const { pipeline } = hold
    ? await client.call('holdPipeline', { params, body: hold })
    : await client.call('releasePipeline', { params })
  if (options.json) return printJson(io, { pipeline })
  const name = `${cleanText(pipeline.repositoryName)}#${pipeline.number}`
  io.stdout.write(
    hold
      ? `${name} is kept until ${new Date(hold.until).toISOString()}\n`
      : `${name} is no longer exempt from retention\n`,
  )
}

function holdOf({ until, because, release }: KeepOptions, now: number) {
  if (release) {
    if (until === undefined && because === undefined) return undefined
    throw new NarwhalError('invalid', "--release can't be combined with --until or --because")
  }
  if (until === undefined || because === undefined) {
    throw new NarwhalError('invalid', 'use --until and --because, or --release')
  }
  return { until: parseEnd('--until', until, now), because }
}
