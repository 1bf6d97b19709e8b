import type { Command } from 'commander'
import { NarwhalError } from '../../lib/errors.ts'
import { cleanText } from '../clean-text.ts'
import type { CliIo } from '../cli-io.ts'
import {
  addClientCommand,
  addRemoveCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../client-command.ts'
import { formatAge } from '../format.ts'
import { printTable } from '../table.ts'

interface CreateOptions extends ClientOptions {
  readonly labels?: string
}

/** `narwhal runner token`, which makes one, and `narwhal runner token list|remove`. */
export function addRunnerTokenCommands(runner: Command, io: CliIo): void {
  const token = addClientCommand(runner, 'token', {
    summary: 'make a token by which one runner may join',
    description:
      'Makes a token by which one runner may join, within an hour, and prints it, alone, on standard output. Only its hash is kept, so it is never shown again.',
    examples: ['runner token', 'runner token --labels gpu,big'],
  })
    .option('--labels <list>', 'the labels that the runner may have, with commas between them')
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

async function create(options: CreateOptions, io: CliIo): Promise<void> {
  const labels = (options.labels ?? '').split(',').map((label) => label.trim())
  if (options.labels !== undefined && labels.includes('')) {
    throw new NarwhalError('invalid', '--labels takes labels with commas between them')
  }
  const wanted = labels.filter((label) => label !== '')
  const created = await (await openClient(options, io)).createJoinToken(wanted)
  if (options.json) return printJson(io, created)
  io.stdout.write(`${cleanText(created.token)}\n`)
  const allowed = created.labels.length > 0 ? created.labels.join(', ') : 'none'
  note(io, `keep it now: it is not shown again (${cleanText(created.id)})`)
  note(io, `one runner may join by it within an hour; labels: ${cleanText(allowed)}`)
}

async function list(options: ClientOptions, io: CliIo): Promise<void> {
  const tokens = await (await openClient(options, io)).listJoinTokens()
  if (options.json) return printJson(io, { tokens })
  if (tokens.length === 0) {
    return note(io, 'there is no token: make one with `narwhal runner token`')
  }
  const now = io.now()
  printTable(io, tokens, [
    { title: 'token', cell: ({ id }) => cleanText(id) },
    { title: 'labels', cell: ({ labels }) => cleanText(labels.join(',')), shrinkTo: 10 },
    { title: 'created', cell: ({ createdAt }) => formatAge(createdAt, now) },
    {
      title: 'state',
      cell: ({ usedAt, runnerId, expiresAt }) =>
        usedAt !== undefined
          ? `used by ${cleanText(runnerId ?? 'a runner')}`
          : expiresAt <= now
            ? 'expired'
            : 'good',
    },
  ])
}
