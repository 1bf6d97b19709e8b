import type { Command } from 'commander'
import type { RetentionState } from '../../contract/rest/rest-retention.ts'
import { bytesInWords } from '../../core/attempt/log-limit.ts'
import { keepInWords } from '../../core/keeping.ts'
import { NarwhalError } from '../../lib/errors.ts'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../parts/client-command.ts'
import { cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { formatAge } from '../terminal/format.ts'
import { printTable } from '../terminal/table.ts'

interface RetentionOptions extends ClientOptions {
  readonly dryRun?: boolean
}

interface KeepOptions extends ClientOptions {
  readonly logs?: string
  readonly pipelines?: string
}

/** `narwhal retention`, `narwhal repo keep` */
export function addRetentionCommands(program: Command, io: CliIo): void {
  addClientCommand(program, 'retention', {
    summary: 'show how long data is kept, and what was removed',
    description:
      'Shows how long pipelines and their logs are kept, what was removed recently, and how much space the database has. With --dry-run it shows what would be removed now, and removes nothing.',
    examples: ['retention', 'retention --dry-run'],
  })
    .option('--dry-run', 'show what would be removed now: counts, bytes, the oldest')
    .action((options: RetentionOptions) => (options.dryRun ? preview : show)(options, io))
  const repo = program.commands.find((command) => command.name() === 'repo')
  if (!repo) return
  addClientCommand(repo, 'keep <repository>', {
    summary: 'set how long the pipelines and logs of a repository are kept',
    description:
      "Overrides the server's --keep-logs and --keep-pipelines for a repository. A missing option resets to the server's.",
    examples: ['repo keep octocat/hello --logs 30d --pipelines forever', 'repo keep octocat/hello'],
  })
    .option('--logs <days>', 'such as 90d, forever, or default')
    .option('--pipelines <days>', 'such as 400d, forever, or default')
    .action((repository: string, options: KeepOptions) => keep(repository, options, io))
}

async function keep(repository: string, options: KeepOptions, io: CliIo): Promise<void> {
  const { logs = 'default', pipelines = 'default' } = options
  for (const [name, value] of Object.entries({ logs, pipelines })) {
    if (/^(?:default|forever|[1-9]\d{0,5}d)$/.test(value)) continue
    throw new NarwhalError('invalid', `--${name} takes days like 90d, forever, or default`)
  }
  const client = await openClient(options, io)
  await client.keepRepository(repository, { logs, pipelines })
  note(io, `${cleanText(repository)}: logs ${logs}, pipelines ${pipelines}`)
}

async function preview(options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const found = await client.previewRetention()
  if (options.json) return printJson(io, found)
  const { repositories } = found
  if (repositories.length === 0) return note(io, 'nothing to remove')
  const now = io.now()
  await printTable(io, repositories, [
    { title: 'repository', cell: ({ name }) => cleanText(name), shrinkTo: 12 },
    { title: 'pipelines', cell: ({ pipelines }) => String(pipelines) },
    { title: 'other logs', cell: ({ logs }) => String(logs) },
    { title: 'log size', cell: ({ bytes }) => bytesInWords(bytes) },
    {
      title: 'oldest',
      cell: ({ oldestAt }) => (oldestAt === undefined ? '' : formatAge(oldestAt, now)),
    },
  ])
}

async function show(options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const state = await client.retention()
  if (options.json) return printJson(io, state)
  const own = state.repositories.map(({ name, logs, pipelines }) => ({
    name: cleanText(name),
    logs: logs ?? state.rules.logs,
    pipelines: pipelines ?? state.rules.pipelines,
  }))
  await printTable(
    io,
    [{ name: 'default', ...state.rules }, ...own],
    [
      { title: 'repository', cell: ({ name }) => name, shrinkTo: 12 },
      { title: 'logs', cell: ({ logs }) => keepInWords(logs) },
      { title: 'pipelines', cell: ({ pipelines }) => keepInWords(pipelines) },
    ],
  )
  for (const line of wordsOf(state, io.now())) note(io, line)
}

function wordsOf({ beginsAt, lastRound, database }: RetentionState, now: number): string[] {
  const words: string[] = []
  if (beginsAt !== undefined) {
    words.push(`nothing is removed before ${new Date(beginsAt).toISOString().slice(0, 10)}`)
  }
  if (lastRound) {
    const { pipelines, logs, bytes, failed, endedAt } = lastRound
    const removed = `removed ${pipelines} pipelines, the logs of ${logs} others, ${bytesInWords(bytes)} of logs`
    words.push(`last run, ${formatAge(endedAt, now)}: ${removed}; ${failed} failed`)
  }
  if (database) {
    const { usedBytes, freeInsideBytes, deadRows, shortage } = database
    const inside =
      deadRows === undefined
        ? `of which ${bytesInWords(freeInsideBytes)} reusable`
        : `${deadRows} dead rows`
    words.push(`database size: ${bytesInWords(usedBytes)}, ${inside}`)
    if (shortage !== undefined) words.push(`no new jobs are started: ${shortage}`)
  }
  return words
}
