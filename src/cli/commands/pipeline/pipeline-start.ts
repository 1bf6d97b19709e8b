import { type Command, InvalidArgumentError, Option } from 'commander'
import type { PipelineView } from '../../../contract/rest/views.ts'
import { present } from '../../../lib/present.ts'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../../parts/client-command.ts'
import { guessRepository } from '../../parts/resolve.ts'
import { cleanText } from '../../terminal/clean-text.ts'
import { type CliIo, coloursFor } from '../../terminal/cli-io.ts'
import { exitCodeOfOutcome } from '../../terminal/exit-code.ts'

interface StartOptions extends ClientOptions {
  readonly ref?: string
  readonly input?: Readonly<Record<string, string>>
  readonly wait?: boolean
  readonly follow?: boolean
}

/** `narwhal pipeline start` */
export function addPipelineStart(parent: Command, io: CliIo): void {
  addClientCommand(parent, 'start [repository]', {
    summary: 'start a pipeline manually',
    description:
      'Starts a pipeline manually. The default repository is that of the working directory, or the only one registered.',
    examples: [
      'pipeline start',
      'pipeline start octocat/hello --ref v1.2 --follow',
      'pipeline start octocat/hello --wait --json',
    ],
  })
    .option('--ref <ref>', "branch, tag or full commit id (default: the remote's HEAD)")
    .option('--input <name=value>', 'set an input of narwhal.yml; repeatable', readInput)
    .option('--wait', 'wait until it has finished; exit with 1 unless it succeeds')
    .addOption(new Option('--follow', 'wait, and show its progress').conflicts('json'))
    .action((repository: string | undefined, options: StartOptions) =>
      start(repository, options, io),
    )
}

/** Adds `name=value` to the inputs given before. */
export function readInput(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [, name, value] = /^([A-Za-z0-9_]{1,50})=([^]*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('Use name=value.')
  }
  return { ...before, [name]: value }
}

async function start(given: string | undefined, options: StartOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const repository = given ?? (await guessRepository(client, io)).id
  const pipeline = await client.startPipeline({
    repository,
    ...(options.ref ? { ref: options.ref } : {}),
    ...present({ inputs: options.input }),
  })
  if (options.wait || options.follow) return await waitFor(pipeline, options, { client, io })
  if (options.json) return printJson(io, { pipeline })
  announce(io, pipeline)
}

async function waitFor(
  pipeline: PipelineView,
  options: StartOptions,
  { client, io }: { client: Awaited<ReturnType<typeof openClient>>; io: CliIo },
): Promise<void> {
  using _hint = hintOnAbort(io, pipeline)
  const { followPipeline, lookOf } = await import('../../follow/follow-pipeline.ts')
  if (options.follow) {
    return io.exit(exitCodeOfOutcome(await followPipeline(client, pipeline.id, io, io.signal)))
  }
  const { watchPipeline } = await import('../../follow/watch-pipeline.ts')
  const model = await watchPipeline(client, pipeline.id, { logs: 'none', signal: io.signal })
  io.exit(exitCodeOfOutcome(model.pipeline.outcome ?? 'error'))
  if (options.json) return printJson(io, await client.getPipeline(pipeline.id))
  const { summaryLines } = await import('../../follow/summary.ts')
  // Without logs there are no last lines to show.
  const [end] = summaryLines(lookOf(io), model, io.now()).slice(-1)
  io.stdout.write(`${end}\n`)
}

/** On Ctrl-C, tells that the pipeline keeps running. */
function hintOnAbort(io: CliIo, pipeline: PipelineView): Disposable {
  const { repositoryName, number } = pipeline
  const name = `${cleanText(repositoryName)}#${number}`
  return {
    [Symbol.dispose]: () => {
      if (!io.signal.aborted) return
      note(io, `${name} keeps running; cancel it with: narwhal pipeline cancel ${name}`)
    },
  }
}

/** Prints which pipeline was started, and how to follow it. */
export function announce(io: CliIo, pipeline: PipelineView): void {
  const name = `${cleanText(pipeline.repositoryName)}#${pipeline.number}`
  io.stdout.write(`started ${coloursFor(io, io.stdout).bold(name)} (${pipeline.id})\n`)
  note(io, `follow it with: narwhal logs ${name} --follow`)
}
