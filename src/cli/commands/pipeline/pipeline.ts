import { type Command, Option } from 'commander'
import type { PipelineQuery } from '../../../contract/rest/rest.ts'
import { EVENT_KINDS } from '../../../core/commit-event.ts'
import { OUTCOMES } from '../../../core/outcome.ts'
import { PIPELINE_STATUSES } from '../../../core/pipeline/pipeline.ts'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
  wholeNumber,
} from '../../parts/client-command.ts'
import { printPipeline, printPipelines } from '../../parts/pipeline-tables.ts'
import { getJobByName, resolvePipeline } from '../../parts/resolve.ts'
import type { CliIo } from '../../terminal/cli-io.ts'
import { addApprovalCommands } from './approval.ts'
import { addPipelineKeep } from './pipeline-keep.ts'
import { addPipelineStart, announce } from './pipeline-start.ts'

/** `narwhal pipeline list|show|start|rerun|approve|awaiting|keep|cancel` */
export function addPipelineCommands(program: Command, io: CliIo): void {
  const pipeline = program.command('pipeline').description('pipelines, by id or owner/name#12')
  addList(pipeline, io)
  addClientCommand(pipeline, 'show <pipeline>', {
    summary: 'show a pipeline with its jobs and steps',
    examples: ['pipeline show octocat/hello#12', 'pipeline show pipeline_01jd3v6w5k8m --json'],
  }).action((given: string, options: ClientOptions) => show(given, options, io))
  addPipelineStart(pipeline, io)
  addClientCommand(pipeline, 'rerun <pipeline>', {
    summary: 'rerun a pipeline, or some of its jobs',
    examples: [
      'pipeline rerun octocat/hello#12',
      'pipeline rerun octocat/hello#12 --failed',
      'pipeline rerun octocat/hello#12 --job test',
    ],
  })
    .option('--job <name>', 'only this job, and those that need it')
    .addOption(
      new Option('--failed', 'only failed jobs, and those that need them').conflicts('job'),
    )
    .action((given: string, options: JobOptions) => rerun(given, options, io))
  addApprovalCommands(pipeline, io)
  addPipelineKeep(pipeline, io)
  addClientCommand(pipeline, 'cancel <pipeline>', {
    summary: 'cancel a pipeline, or one of its jobs',
    examples: [
      'pipeline cancel octocat/hello#12',
      'pipeline cancel octocat/hello#12 --job test --reason "hangs"',
    ],
  })
    .option('--job <name>', 'only this job')
    .option('--reason <words>', 'the reason')
    .action((given: string, options: JobOptions) => cancel(given, options, io))
}

interface JobOptions extends ClientOptions {
  readonly job?: string
  readonly failed?: boolean
  readonly reason?: string
}

interface ListOptions extends ClientOptions {
  readonly repository?: string
  readonly status?: PipelineQuery['status']
  readonly outcome?: PipelineQuery['outcome']
  readonly ref?: string
  readonly kind?: PipelineQuery['kind']
  readonly author?: string
  readonly search?: string
  readonly before?: string
  readonly limit: number
}

function addList(parent: Command, io: CliIo): void {
  addClientCommand(parent, 'list', {
    summary: 'list pipelines, newest first',
    examples: [
      'pipeline list',
      'pipeline list --repository octocat/hello --outcome failure --limit 5',
    ],
  })
    .option('--repository <name>', 'only of this repository')
    .addOption(new Option('--status <status>', 'only with this status').choices(PIPELINE_STATUSES))
    .addOption(new Option('--outcome <outcome>', 'only with this outcome').choices(OUTCOMES))
    .option('--ref <ref>', 'only of this branch, tag or full ref')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(EVENT_KINDS))
    .option('--author <name>', 'only by this author')
    .option('--search <text>', 'only with this text in the title')
    .option('--before <pipeline>', 'only older than this one')
    .option('--limit <n>', 'maximum number, up to 500', wholeNumber('--limit'), 25)
    .action((options: ListOptions) => list(options, io))
}

async function list(options: ListOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const { server: _server, token: _token, json: _json, search, before, ...filter } = options
  const pipelines = await client.listPipelines({
    ...filter,
    ...(search ? { text: search } : {}),
    ...(before ? { before: await resolvePipeline(client, before) } : {}),
  })
  if (options.json) return printJson(io, { pipelines })
  if (pipelines.length > 0) return printPipelines(io, pipelines)
  note(io, 'no pipelines match; start one with `narwhal pipeline start`')
}

async function show(given: string, options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const found = await client.getPipeline(await resolvePipeline(client, given))
  if (options.json) return printJson(io, found)
  await printPipeline(io, found)
}

async function rerun(given: string, options: JobOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const id = await resolvePipeline(client, given)
  if (options.job !== undefined) {
    const job = await client.rerunJob(await findJob(client, id, options.job))
    if (options.json) return printJson(io, { job })
    io.stdout.write(`rerunning ${job.name}, attempt ${job.attempt}\n`)
    return note(io, `follow it with: narwhal logs ${job.id} --follow`)
  }
  const pipeline = await (options.failed ? client.rerunFailed(id) : client.rerunPipeline(id))
  if (options.json) return printJson(io, { pipeline })
  announce(io, pipeline)
}

async function cancel(given: string, options: JobOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const id = await resolvePipeline(client, given)
  if (options.job !== undefined) {
    const job = await client.cancelJob(await findJob(client, id, options.job), options.reason)
    if (options.json) return printJson(io, { job })
    io.stdout.write(`cancelled ${job.name}\n`)
    return
  }
  const pipeline = await client.cancelPipeline(id, options.reason)
  if (options.json) return printJson(io, { pipeline })
  io.stdout.write(`cancelled ${given}\n`)
}

async function findJob(
  client: Awaited<ReturnType<typeof openClient>>,
  id: Parameters<typeof client.getPipeline>[0],
  name: string,
) {
  return getJobByName(await client.getPipeline(id), name).id
}
