import type { Command } from 'commander'
import { NarwhalError } from '../../lib/errors.ts'
import { cleanText } from '../clean-text.ts'
import type { CliIo } from '../cli-io.ts'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../client-command.ts'
import { formatAge } from '../format.ts'
import { printTable } from '../table.ts'

interface SecretOptions extends ClientOptions {
  readonly repository?: string
}

const REPOSITORY = '--repository <name>'

/** `narwhal secret set|list|remove` */
export function addSecretCommands(program: Command, io: CliIo): void {
  // `secret rotate`, which works on the database, may be there already.
  const secret =
    program.commands.find((command) => command.name() === 'secret') ?? program.command('secret')
  secret.description('secrets that jobs may name')
  addClientCommand(secret, 'set <name>', {
    summary: 'set a secret; its value comes by standard input',
    description:
      'Reads a value from standard input, or asks for it on a terminal without showing it, and keeps it sealed. No command ever shows it again. One line is taken without its end, several as they are.',
    examples: [
      'secret set DEPLOY_KEY --repository octocat/hello < key.pem',
      'secret set REGISTRY_TOKEN',
    ],
  })
    .option(REPOSITORY, 'for this repository alone; else for all')
    .action((name: string, options: SecretOptions) => set(name, options, io))
  addClientCommand(secret, 'list', {
    summary: 'list the secrets, without their values',
    examples: ['secret list', 'secret list --repository octocat/hello'],
  })
    .option(REPOSITORY, 'those that its jobs may name; else those of all')
    .action((options: SecretOptions) => list(options, io))
  addClientCommand(secret, 'remove <name>', {
    summary: 'remove a secret',
    examples: ['secret remove DEPLOY_KEY --repository octocat/hello'],
  })
    .option(REPOSITORY, "the repository's own; else that of all")
    .action((name: string, options: SecretOptions) => remove(name, options, io))
}

async function set(name: string, options: SecretOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const value = withoutLineEnd(await io.readInput(`The value of ${cleanText(name)}: `))
  if (value === '') {
    const words = `no value came by standard input: give one, such as \`narwhal secret set ${name} < file\``
    throw new NarwhalError('invalid', words)
  }
  await client.setSecret(name, value, options.repository)
  if (options.json) return printJson(io, { ok: true })
  io.stdout.write(`set ${cleanText(name)} for ${scopeOf(options)}\n`)
}

/** Most tools end a line that they print; the end of a key's last line belongs to it. */
function withoutLineEnd(text: string): string {
  const line = text.replace(/\r?\n$/, '')
  return line.includes('\n') ? text : line
}

async function list(options: SecretOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const secrets = await client.listSecrets(options.repository)
  if (options.json) return printJson(io, { secrets })
  if (secrets.length === 0) {
    return note(io, 'there is no secret: set one with `narwhal secret set <name>`')
  }
  const now = io.now()
  await printTable(io, secrets, [
    { title: 'secret', cell: ({ name }) => cleanText(name), shrinkTo: 12 },
    { title: 'of', cell: ({ scope }) => (scope === 'all' ? 'all' : 'the repository') },
    { title: 'set', cell: ({ updatedAt }) => formatAge(updatedAt, now) },
    { title: 'by', cell: ({ updatedBy = '' }) => cleanText(updatedBy), shrinkTo: 8 },
  ])
}

async function remove(name: string, options: SecretOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  await client.removeSecret(name, options.repository)
  if (options.json) return printJson(io, { ok: true })
  io.stdout.write(`removed ${cleanText(name)} of ${scopeOf(options)}\n`)
}

function scopeOf({ repository }: SecretOptions): string {
  return repository === undefined ? 'all repositories' : cleanText(repository)
}
