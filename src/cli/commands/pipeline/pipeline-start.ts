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
    summary: 'start a pipeline by hand',
    description:
      'Starts a pipeline by hand. Without a repository it is that of the working directory, or the only one there is.',
    examples: [
      'pipeline start',
      'pipeline start octocat/hello --ref v1.2 --follow',
      'pipeline start octocat/hello --wait --json',
    ],
  })
    .option('--ref <ref>', "a branch, a tag or a commit's full id; by default the remote's HEAD")
    .option(
      '--input <name=value>',
      "one of narwhal.yml's inputs; may be given several times",
      readInput,
    )
    .option('--wait', 'wait for its end; exit with 1 unless it is a success')
    .addOption(new Option('--follow', 'wait, and show its life').conflicts('json'))
    .action((repository: string | undefined, options: StartOptions) =>
      start(repository, options, io),
    )
}

/** Adds `name=value` to what was given before. */
export function readInput(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const [, name, value] = /^([A-Za-z0-9_]{1,50})=([^]*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('Write it as name=value.')
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
  using _goodbye = sayGoodbye(io, pipeline)
  const { followPipeline, lookOf } = await import('../../follow/follow-pipeline.ts')
  if (options.follow) {
    return io.exit(exitCodeOfOutcome(await followPipeline(client, pipeline.id, io, io.signal)))
  }
  const { watchPipeline } = await import('../../follow/watch-pipeline.ts')
  const model = await watchPipeline(client, pipeline.id, { logs: 'none', signal: io.signal })
  io.exit(exitCodeOfOutcome(model.pipeline.outcome ?? 'error'))
  if (options.json) return printJson(io, await client.getPipeline(pipeline.id))
  const { summaryLines } = await import('../../follow/summary.ts')
  // Without the logs there are no last lines to show.
  const [end] = summaryLines(lookOf(io), model, io.now()).slice(-1)
  io.stdout.write(`${end}\n`)
}

/** Who stops watching should know that the pipeline goes on. */
function sayGoodbye(io: CliIo, pipeline: PipelineView): Disposable {
  const { repositoryName, number } = pipeline
  const name = `${cleanText(repositoryName)}#${number}`
  return {
    [Symbol.dispose]: () => {
      if (!io.signal.aborted) return
      note(io, `${name} goes on; cancel it with: narwhal pipeline cancel ${name}`)
    },
  }
}

/** Says which pipeline has been started, and how to see it. */
export function announce(io: CliIo, pipeline: PipelineView): void {
  const name = `${cleanText(pipeline.repositoryName)}#${pipeline.number}`
  io.stdout.write(`started ${coloursFor(io, io.stdout).bold(name)} (${pipeline.id})\n`)
  note(io, `see it with: narwhal logs ${name} --follow`)
}
