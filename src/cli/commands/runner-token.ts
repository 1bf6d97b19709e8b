import type { Command } from 'commander'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
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
  readonly labels?: string[]
  readonly uses?: number
  readonly for?: number
  readonly from?: string
}

/** `narwhal runner token`, which creates one, and `narwhal runner token list|remove`. */
export function addRunnerTokenCommands(runner: Command, io: CliIo): void {
  const token = addClientCommand(runner, 'token', {
    summary: 'create a token for runners to join with',
    description:
      'Creates a token with which one runner may join within an hour, or as many as --uses and as long as --for say, and prints only the token on standard output. Only its hash is stored: it is never shown again.',
    examples: [
      'runner token',
      'runner token --labels gpu,big',
      'runner token --uses 20 --for 24h --from 10.1.0.0/16',
    ],
  })
    .option('--labels <list>', 'labels that the runners may have, separated by commas', labelList)
    .option(
      '--uses <count>',
      'how many runners may join with it (default: 1)',
      wholeNumber('--uses'),
    )
    .option('--for <duration>', 'how long it is valid, such as 24h (default: 1h)', (text: string) =>
      durationMs('--for', text),
    )
    .option('--from <ranges>', 'source addresses, such as 10.1.0.0/16, separated by commas')
    .action((options: CreateOptions) => create(options, io))
  addClientCommand(token, 'list', {
    summary: 'list join tokens, without their secrets',
    examples: ['runner token list'],
  }).action((options: ClientOptions) => list(options, io))
  addRemoveCommand(
    token,
    'remove <id>',
    {
      summary: 'revoke a token; runners that have joined with it stay',
      examples: ['runner token remove join_01jd3v6w5k8m'],
    },
    { io, remove: (client, id) => client.removeJoinToken(id) },
  )
}

/** Parses `gpu,big`. Throws `invalid` for an empty label. */
export function labelList(text: string): string[] {
  const labels = text.split(',').map((label) => label.trim())
  if (!labels.includes('')) return labels
  throw new NarwhalError('invalid', '--labels takes labels separated by commas')
}

async function create(options: CreateOptions, io: CliIo): Promise<void> {
  const { labels = [], uses, for: lifeMs, from } = options
  const sources = from?.split(',').map((one) => one.trim())
  const client = await openClient(options, io)
  const created = await client.createJoinToken({ labels, ...present({ uses, lifeMs, sources }) })
  if (options.json) return printJson(io, created)
  io.stdout.write(`${cleanText(created.token)}\n`)
  const allowed = created.labels.length > 0 ? created.labels.join(', ') : 'none'
  note(io, `save it now: it is not shown again (${cleanText(created.id)})`)
  const who = created.uses === 1 ? 'one runner' : `${created.uses} runners`
  const end = new Date(created.expiresAt).toISOString()
  note(io, `${who} may join with it until ${end}; labels: ${cleanText(allowed)}`)
}

async function list(options: ClientOptions, io: CliIo): Promise<void> {
  const tokens = await (await openClient(options, io)).listJoinTokens()
  if (options.json) return printJson(io, { tokens })
  if (tokens.length === 0) {
    return note(io, 'no tokens: create one with `narwhal runner token`')
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
              ? 'valid'
              : `valid for ${uses - used} more`,
    },
  ])
}
