import type { Command } from 'commander'
import type { ApiClient } from '../../../client/client.ts'
import { STRANGER_WORDS, waitWords } from '../../../contract/rest/stranger-words.ts'
import type { PipelineView } from '../../../contract/rest/views.ts'
import { placeOf } from '../../../core/commit-event.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { changedLines, changedWords } from '../../parts/changed-files.ts'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../../parts/client-command.ts'
import { resolvePipeline } from '../../parts/resolve.ts'
import { cleanText } from '../../terminal/clean-text.ts'
import type { CliIo } from '../../terminal/cli-io.ts'
import { formatAge } from '../../terminal/format.ts'
import { printTable } from '../../terminal/table.ts'

interface ApproveOptions extends ClientOptions {
  readonly sha?: string
}

/** `narwhal pipeline approve|awaiting` */
export function addApprovalCommands(pipeline: Command, io: CliIo): void {
  addClientCommand(pipeline, 'approve <pipelines...>', {
    summary: "approve strangers' pipelines, and their use of secrets",
    description:
      'Approves pipelines of strangers: they are run, and their jobs get the secrets they name. All files of the commit are run, not only narwhal.yml: review them first. Without a terminal, name the commit you reviewed: --sha, or owner/name#12@<sha>.',
    examples: [
      'pipeline approve octocat/hello#12',
      'pipeline approve octocat/hello#12 --sha 6113728f27ae82c7b1a177c8d03f9e96e0adf246',
      'pipeline approve octocat/hello#12@6113728f27 octocat/hello#14@da1560886d',
    ],
  })
    .option('--sha <sha>', 'the commit you reviewed; seven digits are enough')
    .action((given: string[], options: ApproveOptions) => approve(given, options, io))
  addClientCommand(pipeline, 'awaiting', {
    summary: 'list pipelines that wait for approval, across all repositories',
    examples: ['pipeline awaiting', 'pipeline awaiting --json'],
  }).action((options: ClientOptions) => awaiting(options, io))
}

async function approve(given: string[], options: ApproveOptions, io: CliIo): Promise<void> {
  if (options.sha !== undefined && given.length > 1) {
    throw new NarwhalError('invalid', '--sha is for one pipeline: use owner/name#12@<sha>')
  }
  const client = await openClient(options, io)
  // All are confirmed before any is approved.
  const seen: PipelineView[] = []
  for (const one of given) seen.push(await confirm(client, one, options.sha, io))
  const approved: PipelineView[] = []
  for (const { id, event, approval } of seen) {
    const plan = approval?.plan === undefined ? {} : { plan: approval.plan }
    approved.push(await client.approvePipeline(id, { sha: event.sha, ...plan }))
  }
  if (options.json) return printJson(io, { pipelines: approved })
  for (const pipeline of approved) {
    io.stdout.write(`approved ${nameOf(pipeline)} at commit ${cleanText(pipeline.event.sha)}\n`)
  }
}

/** Resolves to the pipeline if its commit is the one that was reviewed. */
async function confirm(
  client: ApiClient,
  given: string,
  shaOption: string | undefined,
  io: CliIo,
): Promise<PipelineView> {
  const [, name = given, at] = /^(.+)@([0-9a-f]+)$/.exec(given) ?? []
  const { pipeline } = await client.getPipeline(await resolvePipeline(client, name))
  const { sha } = pipeline.event
  const seen = at ?? shaOption
  if (seen !== undefined) {
    if (/^[0-9a-f]{7,64}$/.test(seen) && sha.startsWith(seen)) return pipeline
    const words = `${nameOf(pipeline)} is at commit ${cleanText(sha)}, not at ${cleanText(seen)}: review it again`
    throw new NarwhalError('conflict', words)
  }
  if (!io.stderr.isTTY) {
    const words = `${nameOf(pipeline)} is at commit ${cleanText(sha)}: name the commit you reviewed with --sha`
    throw new NarwhalError('invalid', words)
  }
  for (const line of linesAbout(pipeline)) note(io, line)
  const answer = await io.readInput('Approve? Type yes: ')
  if (answer.trim() !== 'yes') throw new NarwhalError('cancelled', 'nothing was approved')
  return pipeline
}

function linesAbout(pipeline: PipelineView): string[] {
  const { event } = pipeline
  const why = event.stranger ? [`  stranger: ${STRANGER_WORDS[event.stranger]}`] : []
  return [
    `${nameOf(pipeline)}: ${cleanText(event.title)}`,
    `  commit ${cleanText(event.sha)} on ${cleanText(placeOf(event))} by ${cleanText(event.author)}`,
    ...why,
    ...waitLines(pipeline),
    ...changedLines(pipeline.changed).map((line) => `  ${line}`),
    '  all files of this commit are run, not only narwhal.yml',
  ]
}

async function awaiting(options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const pipelines = await client.listAwaiting()
  if (options.json) return printJson(io, { pipelines })
  if (pipelines.length === 0) return note(io, 'no pipelines are waiting for approval')
  const now = io.now()
  await printTable(io, pipelines, [
    { title: 'pipeline', cell: nameOf },
    { title: 'for', cell: ({ approval }) => (isForRun(approval) ? 'run' : 'secrets') },
    { title: 'ref', cell: ({ event }) => cleanText(placeOf(event)), shrinkTo: 10 },
    { title: 'commit', cell: ({ event }) => cleanText(event.sha.slice(0, 10)) },
    { title: 'title', cell: ({ event }) => cleanText(event.title), shrinkTo: 12 },
    { title: 'author', cell: ({ event }) => cleanText(event.author), shrinkTo: 8 },
    { title: 'changes', cell: ({ changed }) => changedWords(changed) },
    { title: 'since', cell: ({ approval }) => formatAge(sinceOf(approval) ?? now, now) },
  ])
}

function waitLines({ approval }: PipelineView): string[] {
  const words = waitWords(approval)
  return words === undefined ? [] : [`  waiting: ${cleanText(words)}`]
}

function isForRun(approval: PipelineView['approval']): boolean {
  return approval?.status === 'needed' && approval.for === 'run'
}

function sinceOf(approval: PipelineView['approval']): number | undefined {
  return approval?.status === 'needed' ? approval.since : undefined
}

function nameOf({ repositoryName, number }: PipelineView): string {
  return `${cleanText(repositoryName)}#${number}`
}
