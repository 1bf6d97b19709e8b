import { type Command, Option } from 'commander'
import { cleanText } from '../clean-text.ts'
import { type CliIo, coloursFor } from '../cli-io.ts'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../client-command.ts'
import { formatInterval, parseDuration } from '../format.ts'
import { readOrigin } from '../repository-origin.ts'
import { printTable } from '../table.ts'
import { addRepoLinkCommands } from './repo-link.ts'

interface AddOptions extends ClientOptions {
  readonly name?: string
  readonly forge?: 'github' | 'git'
  readonly poll?: string
}

/** `narwhal repo add|link|unlink|list|remove` */
export function addRepoCommands(program: Command, io: CliIo): void {
  const repo = program.command('repo').description('the repositories that Narwhal builds')
  addClientCommand(repo, 'add <url-or-path>', {
    summary: 'register a repository',
    description:
      'Registers a repository by its URL (https, ssh, git@host:path) or by the path of a folder on the server. Its branches are looked at regularly; a webhook makes that instant.',
    examples: [
      'repo add https://github.com/octocat/hello',
      'repo add git@git.example.com:team/app.git --poll 30s',
      'repo add . --name me/here',
    ],
  })
    .option('--name <owner/name>', "its name here; by default the URL's, or the folder's")
    .addOption(
      new Option('--forge <forge>', 'who hosts it; by default as the URL says').choices([
        'github',
        'git',
      ]),
    )
    .option('--poll <duration>', 'how often to look for new commits: 30s, 5m, off (default: 60s)')
    .action((origin: string, options: AddOptions) => add(origin, options, io))
  addRepoLinkCommands(repo, io)
  addClientCommand(repo, 'list', {
    summary: 'list the registered repositories',
    examples: ['repo list', 'repo list --json'],
  }).action((options: ClientOptions) => list(options, io))
  addClientCommand(repo, 'remove <repository>', {
    summary: 'forget a repository',
    description: 'Forgets a repository, by its name or id: no new pipelines are made for it.',
    examples: ['repo remove octocat/hello'],
  }).action((repository: string, options: ClientOptions) => remove(repository, options, io))
}

async function add(given: string, options: AddOptions, io: CliIo): Promise<void> {
  const pollIntervalMs = options.poll === undefined ? undefined : parseDuration(options.poll)
  const client = await openClient(options, io)
  const origin = await readOrigin(given, io.cwd)
  const registered = await client.addRepository({
    name: options.name ?? origin.name,
    cloneUrl: origin.cloneUrl,
    forge: options.forge ?? origin.forge,
    ...(pollIntervalMs === undefined ? {} : { pollIntervalMs }),
  })
  if (options.json) return printJson(io, registered)
  const { repository, webhook } = registered
  const name = cleanText(repository.name)
  const polled =
    repository.pollIntervalMs === 0
      ? 'webhooks only'
      : `looked at every ${formatInterval(repository.pollIntervalMs)}`
  const bold = coloursFor(io, io.stdout).bold
  io.stdout.write(`registered ${bold(name)} (${cleanText(repository.cloneUrl)}), ${polled}\n`)
  if (webhook && repository.forge === 'github') {
    printWebhook(client.address.server, webhook, name, io)
  }
  note(io, `build it with: narwhal pipeline start ${name} --follow`)
  if (repository.forge === 'github') {
    note(io, `have outcomes told to GitHub: narwhal repo link ${name} --token-file <file>`)
  }
}

function printWebhook(
  server: string,
  webhook: { path: string; secret: string },
  name: string,
  io: CliIo,
): void {
  const url = `${server}${cleanText(webhook.path)}`
  const isLocal = /^(?:localhost|127\.|\[::1\])/.test(new URL(server).hostname)
  const lines = [
    '',
    `Enter this at https://github.com/${name}/settings/hooks/new, as its admin:`,
    `  Payload URL   ${url}`,
    '  Content type  application/json',
    `  Secret        ${cleanText(webhook.secret)}`,
    '  Events        Pushes, Pull requests, Branch or tag creation',
  ]
  if (isLocal) {
    lines.push(`GitHub can't reach ${server}: put this server's public address in its place.`)
  }
  io.stdout.write(`${lines.join('\n')}\n`)
}

async function list(options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const repositories = await client.listRepositories()
  if (options.json) return printJson(io, { repositories })
  if (repositories.length === 0) {
    return note(io, 'no repository is registered: add one with `narwhal repo add <url-or-path>`')
  }
  printTable(io, repositories, [
    { title: 'name', cell: ({ name }) => cleanText(name) },
    { title: 'forge', cell: ({ forge }) => forge },
    {
      title: 'polled',
      cell: ({ pollIntervalMs: ms }) => (ms === 0 ? 'no' : `every ${formatInterval(ms)}`),
    },
    { title: 'url', cell: ({ cloneUrl }) => cleanText(cloneUrl), shrinkTo: 20 },
    { title: 'id', cell: ({ id }) => id },
  ])
}

async function remove(repository: string, options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  await client.removeRepository(repository)
  if (options.json) return printJson(io, { ok: true })
  io.stdout.write(`removed ${cleanText(repository)}\n`)
}
