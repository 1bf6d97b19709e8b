import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { DISCOVERY_PATH, KEYS_PATH } from '../../contract/id-tokens/documents.ts'
import type { IdTokenState } from '../../contract/rest/rest-id-tokens.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  openTls,
  printJson,
} from '../parts/client-command.ts'
import { cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { EXIT } from '../terminal/exit-code.ts'
import { formatAge } from '../terminal/format.ts'
import { printTable } from '../terminal/table.ts'

/** `narwhal oidc keys|rotate|export|check|subject` */
export function addIdTokenCommands(program: Command, io: CliIo): void {
  const oidc = program.command('oidc').description('issuer and signing keys of id tokens')
  addClientCommand(oidc, 'keys', {
    summary: 'show the issuer and its signing keys',
    examples: ['oidc keys'],
  }).action((options: ClientOptions) => keys(options, io))
  addRotate(oidc, io)
  addClientCommand(oidc, 'export <folder>', {
    summary: "write the issuer's documents to files, for clouds that can't reach this server",
    description:
      "Writes the issuer's documents to a folder, for a web server or a bucket to serve at the issuer. Repeat it after each change of the keys: the next key must be published a day before it signs.",
    examples: ['oidc export public'],
  }).action((folder: string, options: ClientOptions) => exportDocuments(folder, options, io))
  addClientCommand(oidc, 'check', {
    summary: 'fetch the documents from the issuer, as a cloud does, and compare them',
    examples: ['oidc check'],
  }).action((options: ClientOptions) => check(options, io))
  addClientCommand(oidc, 'subject <repository>', {
    summary: "print the `sub` claim of a repository's id tokens",
    examples: [
      'oidc subject octocat/hello',
      'oidc subject octocat/hello --ref refs/tags/v1 --job deploy',
    ],
  })
    .option('--ref <ref>', 'full ref (default: refs/heads/main)')
    .option('--job <name>', 'the job, for tokens with `subject: job`')
    .action((repository: string, options: SubjectOptions) => subject(repository, options, io))
}

interface SubjectOptions extends ClientOptions {
  readonly ref?: string
  readonly job?: string
}

interface RotateOptions extends ClientOptions {
  readonly now?: boolean
}

function addRotate(oidc: Command, io: CliIo): void {
  addClientCommand(oidc, 'rotate', {
    summary: 'create the next signing key',
    description:
      'Creates the next key, which is published for a day before it signs, without disruption. With --now, for a compromised key, a new one signs at once and all others are revoked: others reject new tokens until they have fetched the documents again, and from then on those issued before.',
    examples: ['oidc rotate', 'oidc rotate --now'],
  })
    .option('--now', 'revoke all previous keys at once')
    .action((options: RotateOptions) => rotate(options, io))
}

async function keys(options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const state = await client.getIdTokens()
  if (options.json) return printJson(io, state)
  if (state.issuer !== undefined) io.stdout.write(`issuer ${cleanText(state.issuer)}\n`)
  if (state.trouble !== undefined) note(io, cleanText(state.trouble))
  await printKeys(state, io)
}

async function rotate(options: RotateOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const isNow = options.now ?? false
  const state = await client.rotateIdTokenKeys(isNow)
  if (options.json) return printJson(io, state)
  await printKeys(state, io)
  note(
    io,
    isNow
      ? 'Others reject new tokens until they fetch the documents again: within 15 minutes, or later if they cache them longer. Tokens issued before are rejected from then on: rerun what failed.'
      : 'The next key signs a day after its creation. If the documents are served from files, export them again before that: `narwhal oidc export`.',
  )
}

async function printKeys({ keys }: IdTokenState, io: CliIo): Promise<void> {
  const now = io.now()
  await printTable(io, keys, [
    { title: 'key', cell: ({ kid }) => cleanText(kid), shrinkTo: 12 },
    { title: 'state', cell: ({ state }) => state },
    { title: 'created', cell: ({ createdAt }) => formatAge(createdAt, now) },
    { title: 'signs from', cell: ({ signsAt }) => new Date(signsAt).toISOString() },
    {
      title: 'published until',
      cell: ({ leavesAt }) => (leavesAt === undefined ? '' : new Date(leavesAt).toISOString()),
    },
  ])
}

async function exportDocuments(folder: string, options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const { discovery, keys } = await client.getIdTokenDocuments()
  const root = resolve(io.cwd, folder)
  const files = [
    [DISCOVERY_PATH, discovery],
    [KEYS_PATH, keys],
  ] as const
  for (const [path, document] of files) {
    const file = join(root, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, `${JSON.stringify(document, null, 2)}\n`)
  }
  const paths = files.map(([path]) => join(root, path))
  if (options.json) return printJson(io, { files: paths })
  const list = paths.map((path) => `  ${cleanText(path)}`).join('\n')
  io.stdout.write(`For ${cleanText(discovery.issuer)}:\n${list}\n`)
}

async function check(options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const wanted = await client.getIdTokenDocuments()
  const { checkIssuer } = await import('../parts/check-issuer.ts')
  const problems = await checkIssuer(wanted, await openTls(options, io), io.signal)
  const { issuer } = wanted.discovery
  if (options.json) printJson(io, { issuer, problems })
  else if (problems.length === 0) io.stdout.write(`${cleanText(issuer)}: OK\n`)
  else for (const problem of problems) io.stderr.write(`${cleanText(problem)}\n`)
  if (problems.length > 0) io.exit(EXIT.notSuccess)
}

async function subject(repository: string, options: SubjectOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const { ref, job } = options
  if (ref !== undefined && !ref.startsWith('refs/')) {
    throw new NarwhalError('invalid', '--ref takes a full ref, such as refs/heads/main')
  }
  const found = await client.getSubject(repository, present({ ref, job }))
  if (options.json) return printJson(io, found)
  io.stdout.write(`${cleanText(found.sub)}\n`)
}
