import type { Command } from 'commander'
import { NarwhalError } from '../../lib/errors.ts'
import {
  addClientCommand,
  addRemoveCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
  wholeNumber,
} from '../parts/client-command.ts'
import { cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { durationMs } from '../terminal/duration.ts'
import { formatAge } from '../terminal/format.ts'
import { printTable } from '../terminal/table.ts'

interface CreateOptions extends ClientOptions {
  readonly labels?: string
  readonly uses?: string
  readonly for?: string
  readonly from?: string
}

/** `narwhal runner token`, which makes one, and `narwhal runner token list|remove`. */
export function addRunnerTokenCommands(runner: Command, io: CliIo): void {
  const token = addClientCommand(runner, 'token', {
    summary: 'make a token by which runners may join',
    description:
      'Makes a token by which one runner may join within an hour, or as many as --uses says for as long as --for says, and prints it, alone, on standard output. Only its hash is kept, so it is never shown again.',
    examples: [
      'runner token',
      'runner token --labels gpu,big',
      'runner token --uses 20 --for 24h --from 10.1.0.0/16',
    ],
  })
    .option('--labels <list>', 'the labels that the runner may have, with commas between them')
    .option('--uses <count>', 'how many runners may join by it; 1 unless told')
    .option('--for <duration>', 'how long it is good, such as 24h; 1h unless told')
    .option(
      '--from <ranges>',
      'the addresses it is used from, such as 10.1.0.0/16, with commas between',
    )
    .action((options: CreateOptions) => create(options, io))
  addClientCommand(token, 'list', {
    summary: 'list these tokens, without their secrets',
    examples: ['runner token list'],
  }).action((options: ClientOptions) => list(options, io))
  addRemoveCommand(
    token,
    'remove <id>',
    {
      summary: 'take a token back; a runner that has joined by it stays',
      examples: ['runner token remove join_01jd3v6w5k8m'],
    },
    { io, remove: (client, id) => client.removeJoinToken(id) },
  )
}

/** `gpu,big`; throws `invalid` for what is no list of labels. */
export function labelList(text: string): string[] {
  const labels = text.split(',').map((label) => label.trim())
  if (!labels.includes('')) return labels
  throw new NarwhalError('invalid', '--labels takes labels with commas between them')
}

async function create(options: CreateOptions, io: CliIo): Promise<void> {
  const wanted = options.labels === undefined ? [] : labelList(options.labels)
  const created = await (await openClient(options, io)).createJoinToken({
    labels: wanted,
    ...(options.uses === undefined ? {} : { uses: wholeNumber('--uses')(options.uses) }),
    ...(options.for === undefined ? {} : { lifeMs: durationMs('--for', options.for) }),
    ...(options.from === undefined
      ? {}
      : { sources: options.from.split(',').map((one) => one.trim()) }),
  })
  if (options.json) return printJson(io, created)
  io.stdout.write(`${cleanText(created.token)}\n`)
  const allowed = created.labels.length > 0 ? created.labels.join(', ') : 'none'
  note(io, `keep it now: it is not shown again (${cleanText(created.id)})`)
  const who = created.uses === 1 ? 'one runner' : `${created.uses} runners`
  const end = new Date(created.expiresAt).toISOString()
  note(io, `${who} may join by it until ${end}; labels: ${cleanText(allowed)}`)
}

async function list(options: ClientOptions, io: CliIo): Promise<void> {
  const tokens = await (await openClient(options, io)).listJoinTokens()
  if (options.json) return printJson(io, { tokens })
  if (tokens.length === 0) {
    return note(io, 'there is no token: make one with `narwhal runner token`')
  }
  const now = io.now()
  await printTable(io, tokens, [
    { title: 'token', cell: ({ id }) => cleanText(id) },
    { title: 'labels', cell: ({ labels }) => cleanText(labels.join(',')), shrinkTo: 10 },
    { title: 'created', cell: ({ createdAt }) => formatAge(createdAt, now) },
    {
      title: 'state',
      cell: ({ used, uses, runnerId, expiresAt }) =>
        used >= uses
          ? `used by ${uses === 1 ? cleanText(runnerId ?? 'a runner') : `${used} runners`}`
          : expiresAt <= now
            ? 'expired'
            : uses === 1
              ? 'good'
              : `good for ${uses - used} more`,
    },
  ])
}
