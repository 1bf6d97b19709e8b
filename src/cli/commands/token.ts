import type { Command } from 'commander'
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
  readonly user?: string
}

/** `narwhal token create|list|remove` */
export function addTokenCommands(program: Command, io: CliIo): void {
  const token = program.command('token').description('access tokens for the API')
  addClientCommand(token, 'create <name>', {
    summary: 'make a token; it is shown this once',
    description:
      'Makes a token and prints it, alone, on standard output. Only its hash is kept, so it is never shown again.',
    examples: ['token create laptop', 'token create deploy --user deploy-bot --json'],
  })
    .option('--user <name>', 'whose it is; your own unless told')
    .action((name: string, options: CreateOptions) => create(name, options, io))
  addClientCommand(token, 'list', {
    summary: 'list the tokens, without their secrets',
    examples: ['token list'],
  }).action((options: ClientOptions) => list(options, io))
  addRemoveCommand(
    token,
    'remove <id>',
    {
      summary: 'take a token back',
      examples: ['token remove token_01jd3v6w5k8m'],
    },
    { io, remove: (client, id) => client.removeToken(id) },
  )
}

async function create(name: string, options: CreateOptions, io: CliIo): Promise<void> {
  const { user } = options
  const client = await openClient(options, io)
  const created = await client.createToken(user === undefined ? { name } : { name, user })
  if (options.json) return printJson(io, created)
  io.stdout.write(`${cleanText(created.token)}\n`)
  const whose = `a token of ${cleanText(created.user)}, ${cleanText(created.id)}`
  note(io, `keep it now: it is not shown again (${whose})`)
}

async function list(options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const tokens = await client.listTokens()
  if (options.json) return printJson(io, { tokens })
  if (tokens.length === 0)
    return note(io, 'there is no token: make one with `narwhal token create`')
  const now = io.now()
  printTable(io, tokens, [
    { title: 'token', cell: ({ id }) => cleanText(id) },
    { title: 'name', cell: ({ name }) => cleanText(name), shrinkTo: 12 },
    { title: 'user', cell: ({ user }) => cleanText(user), shrinkTo: 12 },
    { title: 'created', cell: ({ createdAt }) => formatAge(createdAt, now) },
  ])
}
