import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { TokenView } from '../../contract/rest/rest-tokens.ts'
import { ROLES, type Role } from '../../core/access/role.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import {
  addClientCommand,
  addRemoveCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../parts/client-command.ts'
import { cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { durationMs } from '../terminal/duration.ts'
import { formatAge } from '../terminal/format.ts'
import { printTable } from '../terminal/table.ts'

interface CreateOptions extends ClientOptions {
  readonly user?: string
  readonly for?: string
  readonly role?: Role
  readonly repositories?: string
}

interface RevokeOptions extends ClientOptions {
  readonly value?: string
}

/** `narwhal token create|list|remove` */
export function addTokenCommands(program: Command, io: CliIo): void {
  const token = program.command('token').description('access tokens for the API')
  addClientCommand(token, 'create <name>', {
    summary: 'create a token; it is shown only once',
    description:
      'Creates a token and prints only it on standard output. Only its hash is stored: it is never shown again.',
    examples: [
      'token create laptop',
      'token create deploy --user deploy-bot --json',
      'token create deploys --repositories octocat/hello --role member --for 30d',
    ],
  })
    .option('--user <name>', 'its owner (default: you)')
    .option('--for <duration>', 'how long it is valid, such as 30d, or never (default: 90d)')
    .addOption(
      new Option('--role <role>', "limit it to this role (default: its owner's)").choices(ROLES),
    )
    .option('--repositories <list>', 'limit it to these repositories, separated by commas')
    .action((name: string, options: CreateOptions) => create(name, options, io))
  addClientCommand(token, 'list', {
    summary: 'list tokens, without their secrets',
    examples: ['token list'],
  }).action((options: ClientOptions) => list(options, io))
  addRemoveCommand(
    token,
    'remove <id>',
    {
      summary: 'revoke a token',
      examples: ['token remove token_01jd3v6w5k8m'],
    },
    { io, remove: (client, id) => client.removeToken(id) },
  )
  addClientCommand(token, 'revoke', {
    summary: 'revoke a leaked token, by its value',
    description:
      'Revokes a credential of which only the value is known: an access token, a join token, or the session of a browser.',
    examples: ['token revoke --value - < found.txt'],
  })
    .requiredOption('--value <file>', 'file with the value; - reads standard input')
    .action((options: RevokeOptions) => revoke(options, io))
}

async function revoke(options: RevokeOptions, io: CliIo): Promise<void> {
  const file = options.value ?? '-'
  const text = file === '-' ? await io.readInput('Token: ') : readSecretFile(resolve(io.cwd, file))
  const value = text.trim()
  if (value === '') throw new NarwhalError('invalid', 'the value is empty')
  const { revoked, id } = await (await openClient(options, io)).revoke(value)
  if (options.json) return printJson(io, { revoked, ...present({ id }) })
  io.stdout.write(`revoked: ${revoked}${id ? ` ${cleanText(id)}` : ''}\n`)
}

function readSecretFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const words = `${path} can't be read: ${describeError(cause)}`
    throw new NarwhalError('invalid', words, { cause })
  }
}

async function create(name: string, options: CreateOptions, io: CliIo): Promise<void> {
  const { user } = options
  const lifeMs = options.for === undefined ? undefined : lifeOf(options.for)
  const repositories = options.repositories?.split(',').map((one) => one.trim())
  const client = await openClient(options, io)
  const created = await client.createToken({
    name,
    ...present({ user, lifeMs, role: options.role, repositories }),
  })
  if (options.json) return printJson(io, created)
  io.stdout.write(`${cleanText(created.token)}\n`)
  const whose = `token of ${cleanText(created.user)}, ${cleanText(created.id)}`
  note(io, `save it now: it is not shown again (${whose}); it ${expiryWords(created.expiresAt)}`)
}

async function list(options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const tokens = await client.listTokens()
  if (options.json) return printJson(io, { tokens })
  if (tokens.length === 0) return note(io, 'no tokens: create one with `narwhal token create`')
  const now = io.now()
  await printTable(io, tokens, [
    { title: 'token', cell: ({ id }) => cleanText(id) },
    { title: 'name', cell: ({ name }) => cleanText(name), shrinkTo: 12 },
    { title: 'user', cell: ({ user }) => cleanText(user), shrinkTo: 12 },
    { title: 'access', cell: accessWords, shrinkTo: 12 },
    { title: 'created', cell: ({ createdAt }) => formatAge(createdAt, now) },
    {
      title: 'last used',
      cell: ({ usedAt, usedFrom }) =>
        usedAt === undefined
          ? 'never'
          : `${formatAge(usedAt, now)} from ${cleanText(usedFrom ?? '?')}`,
    },
    {
      title: 'expires',
      cell: ({ expiresAt }) =>
        expiresAt === undefined ? 'never' : new Date(expiresAt).toISOString().slice(0, 10),
    },
  ])
}

/** Its limits below those of its user. */
function accessWords({ role, repositories }: Pick<TokenView, 'role' | 'repositories'>): string {
  const of = repositories ? repositories.map(cleanText).join(', ') : ''
  return [role ?? 'full', of].filter(Boolean).join(' in ')
}

function lifeOf(text: string): number | 'never' {
  return text === 'never' ? text : durationMs('--for', text)
}

function expiryWords(expiresAt: number | undefined): string {
  return expiresAt === undefined
    ? 'never expires'
    : `expires at ${new Date(expiresAt).toISOString()}`
}
