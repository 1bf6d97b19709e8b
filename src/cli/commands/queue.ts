import type { Command } from 'commander'
import { present } from '../../lib/present.ts'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../parts/client-command.ts'
import { cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { formatSpan } from '../terminal/format.ts'
import { printTable } from '../terminal/table.ts'

/** `narwhal queue` */
export function addQueueCommand(program: Command, io: CliIo): void {
  addClientCommand(program, 'queue', {
    summary: 'list jobs waiting for a runner, and why',
    examples: ['queue', 'queue --json'],
  }).action((options: ClientOptions) => list(options, io))
}

async function list(options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const { jobs, total, unplanned } = await client.listQueue()
  if (options.json) return printJson(io, { jobs, total, ...present({ unplanned }) })
  if (unplanned) note(io, `no commits are being planned: each ${cleanText(unplanned.reason)}`)
  if (jobs.length === 0) return note(io, 'no jobs are waiting for a runner')
  const now = io.now()
  await printTable(io, jobs, [
    { title: '#', cell: ({ position }) => String(position) },
    { title: 'repository', cell: ({ repositoryName }) => cleanText(repositoryName), shrinkTo: 12 },
    { title: 'job', cell: ({ name }) => cleanText(name), shrinkTo: 10 },
    { title: 'waiting', cell: ({ queuedAt }) => formatSpan({ startedAt: queuedAt }, now) },
    { title: 'reason', cell: ({ reason }) => cleanText(reason), shrinkTo: 20 },
    { title: 'id', cell: ({ jobId }) => jobId },
  ])
  if (total > jobs.length) note(io, `and ${total - jobs.length} more`)
}
