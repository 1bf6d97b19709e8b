import type { Command } from 'commander'
import type { SecretView } from '../../contract/rest/rest-secrets.ts'
import { NarwhalError } from '../../lib/errors.ts'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../parts/client-command.ts'
import { resolvePipeline } from '../parts/resolve.ts'
import { cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { formatAge, formatDay } from '../terminal/format.ts'
import { parseEnd } from '../terminal/parse-when.ts'
import { printTable } from '../terminal/table.ts'

interface SecretOptions extends ClientOptions {
  readonly repository?: string
}

const REPOSITORY = '--repository <name>'

interface SetOptions extends SecretOptions {
  readonly expires?: string
  readonly runners?: string
  /** By `--not-masked`. */
  readonly notMasked?: boolean
}

interface ExplainOptions extends ClientOptions {
  readonly pipeline: string
}

/** `narwhal secret set|list|remove|explain` */
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
      'secret set CLOUD_KEY --expires 2030-06-30 --runners box1,label:deploy',
    ],
  })
    .option(REPOSITORY, 'for this repository alone; else for all')
    .option('--expires <date>', 'its last day, like 2030-06-30, or how long it is good, like 90d')
    .option(
      '--runners <list>',
      'only these may have it: names of runners, label:<a granted one>, or all again',
    )
    .option('--not-masked', 'logs show it: it is a name or a setting')
    .action((name: string, options: SetOptions) => set(name, options, io))
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
  addClientCommand(secret, 'explain <name>', {
    summary: 'tell which jobs of a pipeline would get a secret, and why others would not',
    examples: ['secret explain DEPLOY_KEY --pipeline octocat/hello#12'],
  })
    .requiredOption('--pipeline <pipeline>', 'its id, or like owner/name#12')
    .action((name: string, options: ExplainOptions) => explain(name, options, io))
}

async function set(name: string, options: SetOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const value = withoutLineEnd(await io.readInput(`The value of ${cleanText(name)}: `))
  if (value === '') {
    const words = `no value came by standard input: give one, such as \`narwhal secret set ${name} < file\``
    throw new NarwhalError('invalid', words)
  }
  const { expires, runners, notMasked } = options
  const rules = {
    ...(expires === undefined ? {} : { expiresAt: parseEnd('--expires', expires, io.now()) }),
    ...(runners === undefined ? {} : { runners: namesIn(runners) }),
    ...(notMasked ? ({ isNotMasked: true } as const) : {}),
  }
  const warnings = await client.setSecret(name, { value, ...rules }, options.repository)
  if (options.json) return printJson(io, { ok: true, warnings })
  io.stdout.write(`set ${cleanText(name)} for ${scopeOf(options)}\n`)
  for (const warning of warnings) note(io, warning)
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
    const words = options.repository === undefined ? ' of all repositories' : ''
    const more = words && '; those of one: `narwhal secret list --repository <name>`'
    return note(io, `there is no secret${words}: set one with \`narwhal secret set <name>\`${more}`)
  }
  const now = io.now()
  await printTable(io, secrets, [
    { title: 'secret', cell: ({ name }) => cleanText(name), shrinkTo: 12 },
    { title: 'of', cell: ({ scope }) => (scope === 'all' ? 'all' : 'the repository') },
    { title: 'set', cell: ({ updatedAt }) => formatAge(updatedAt, now) },
    { title: 'by', cell: ({ updatedBy = '' }) => cleanText(updatedBy), shrinkTo: 8 },
    ...(secrets.some(rulesInWords) ? [RULES] : []),
  ])
  for (const { name, warning } of secrets) {
    if (warning) note(io, `${cleanText(name)} ${cleanText(warning)}`)
  }
}

const RULES = { title: 'besides', cell: rulesInWords, shrinkTo: 12 }

/** What holds for it that does not for most. */
function rulesInWords({ expiresAt, runners, isNotMasked }: SecretView): string {
  const parts = [
    // At midnight the day before was its last.
    ...(expiresAt === undefined ? [] : [`until ${formatDay(expiresAt - 1)}`]),
    ...(runners ? [`for ${runners.map(cleanText).join(', ')}`] : []),
    ...(isNotMasked ? ['not masked'] : []),
  ]
  return parts.join('; ')
}

async function explain(name: string, options: ExplainOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const pipeline = await resolvePipeline(client, options.pipeline)
  const explained = await client.call('explainSecret', { params: { pipeline, secret: name } })
  if (options.json) return printJson(io, explained)
  const { secret, near, jobs } = explained
  const meant = near === undefined ? '' : `: did you mean ${cleanText(near)}?`
  if (!secret) note(io, `${cleanText(name)} is not set for this repository, nor for all${meant}`)
  else if (secret.runners) note(io, `it is for ${secret.runners.map(cleanText).join(', ')} alone`)
  await printTable(io, jobs, [
    { title: 'job', cell: (job) => cleanText(job.name), shrinkTo: 12 },
    { title: 'gets it', cell: (job) => (job.refusedBecause === undefined ? 'yes' : 'no') },
    {
      title: 'as, or why not',
      cell: ({ variables, refusedBecause }) => cleanText(refusedBecause ?? variables.join(', ')),
      shrinkTo: 20,
    },
  ])
}

function namesIn(list: string): string[] {
  const names = list.split(',').map((name) => name.trim())
  return names.filter((name) => name !== '')
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
