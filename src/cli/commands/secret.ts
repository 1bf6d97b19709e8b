import type { Command } from 'commander'
import type { SecretView } from '../../contract/rest/rest-secrets.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
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
  /** From `--not-masked`. */
  readonly notMasked?: boolean
}

interface ExplainOptions extends ClientOptions {
  readonly pipeline: string
}

/** `narwhal secret set|list|remove|explain` */
export function addSecretCommands(program: Command, io: CliIo): void {
  // `secret rotate`, which works on the database, may have been added already.
  const secret =
    program.commands.find((command) => command.name() === 'secret') ?? program.command('secret')
  secret.description('secrets for jobs')
  addClientCommand(secret, 'set <name>', {
    summary: 'set a secret, from standard input',
    description:
      'Reads the value from standard input, or prompts for it on a terminal without echo, and stores it sealed. No command ever shows it again. The line break at the end of a single line is removed; several lines are taken as they are.',
    examples: [
      'secret set DEPLOY_KEY --repository octocat/hello < key.pem',
      'secret set REGISTRY_TOKEN',
      'secret set CLOUD_KEY --expires 2030-06-30 --runners box1,label:deploy',
    ],
  })
    .option(REPOSITORY, 'only for this repository (default: for all)')
    .option('--expires <date>', 'its last day, like 2030-06-30, or how long it is valid, like 90d')
    .option(
      '--runners <list>',
      'only these runners get it: names, label:<granted label>, or all to lift the restriction',
    )
    .option('--not-masked', "don't mask it in logs: it is a name or a setting")
    .action((name: string, options: SetOptions) => set(name, options, io))
  addClientCommand(secret, 'list', {
    summary: 'list secrets, without their values',
    examples: ['secret list', 'secret list --repository octocat/hello'],
  })
    .option(REPOSITORY, 'those that its jobs may name (default: global ones)')
    .action((options: SecretOptions) => list(options, io))
  addClientCommand(secret, 'remove <name>', {
    summary: 'remove a secret',
    examples: ['secret remove DEPLOY_KEY --repository octocat/hello'],
  })
    .option(REPOSITORY, "the repository's own (default: the global one)")
    .action((name: string, options: SecretOptions) => remove(name, options, io))
  addClientCommand(secret, 'explain <name>', {
    summary: "show which jobs of a pipeline would get a secret, and why others wouldn't",
    examples: ['secret explain DEPLOY_KEY --pipeline octocat/hello#12'],
  })
    .requiredOption('--pipeline <pipeline>', 'id or owner/name#12')
    .action((name: string, options: ExplainOptions) => explain(name, options, io))
}

async function set(name: string, options: SetOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const value = withoutLineEnd(await io.readInput(`Value of ${cleanText(name)}: `))
  if (value === '') {
    const words = `no value on standard input: pipe one in, such as \`narwhal secret set ${name} < file\``
    throw new NarwhalError('invalid', words)
  }
  const { expires, runners, notMasked } = options
  const rules = present({
    expiresAt: expires === undefined ? undefined : parseEnd('--expires', expires, io.now()),
    runners: runners === undefined ? undefined : namesIn(runners),
    isNotMasked: notMasked ? (true as const) : undefined,
  })
  const warnings = await client.setSecret(name, { value, ...rules }, options.repository)
  if (options.json) return printJson(io, { ok: true, warnings })
  io.stdout.write(`set ${cleanText(name)} for ${scopeOf(options)}\n`)
  for (const warning of warnings) note(io, warning)
}

/** Most tools end their output with a line break; that of a key's last line belongs to the key. */
function withoutLineEnd(text: string): string {
  const line = text.replace(/\r?\n$/, '')
  return line.includes('\n') ? text : line
}

async function list(options: SecretOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const secrets = await client.listSecrets(options.repository)
  if (options.json) return printJson(io, { secrets })
  if (secrets.length === 0) {
    const isGlobal = options.repository === undefined
    const more = isGlobal
      ? '; those of one repository: `narwhal secret list --repository <name>`'
      : ''
    const what = isGlobal ? 'global secrets' : 'secrets'
    return note(io, `no ${what}: set one with \`narwhal secret set <name>\`${more}`)
  }
  const now = io.now()
  await printTable(io, secrets, [
    { title: 'secret', cell: ({ name }) => cleanText(name), shrinkTo: 12 },
    { title: 'scope', cell: ({ scope }) => (scope === 'all' ? 'global' : 'repository') },
    { title: 'set', cell: ({ updatedAt }) => formatAge(updatedAt, now) },
    { title: 'by', cell: ({ updatedBy = '' }) => cleanText(updatedBy), shrinkTo: 8 },
    ...(secrets.some(rulesInWords) ? [RULES] : []),
  ])
  for (const { name, warning } of secrets) {
    if (warning) note(io, `${cleanText(name)} ${cleanText(warning)}`)
  }
}

const RULES = { title: 'rules', cell: rulesInWords, shrinkTo: 12 }

/** Its expiry and restrictions. */
function rulesInWords({ expiresAt, runners, isNotMasked }: SecretView): string {
  const parts = [
    // It expires at midnight: the day before is its last.
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
  if (!secret)
    note(io, `${cleanText(name)} is set neither for this repository nor globally${meant}`)
  else if (secret.runners) note(io, `only for ${secret.runners.map(cleanText).join(', ')}`)
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
  io.stdout.write(`removed ${cleanText(name)} for ${scopeOf(options)}\n`)
}

function scopeOf({ repository }: SecretOptions): string {
  return repository === undefined ? 'all repositories' : cleanText(repository)
}
