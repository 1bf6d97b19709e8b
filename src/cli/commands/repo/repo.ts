import { type Command, Option } from 'commander'
import type { RegisteredRepository } from '../../../contract/rest/rest-repositories.ts'
import {
  FORGE_FACTS,
  FORGES,
  type Forge,
  forgeFacts,
  forgeKindAt,
  hasWebhooks,
  webhookFacts,
} from '../../../core/forges.ts'
import { cloneHost } from '../../../lib/git/clone-host.ts'
import { present } from '../../../lib/present.ts'
import {
  addClientCommand,
  addRemoveCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../../parts/client-command.ts'
import { CREDENTIALS_HELP, readGitCredentials } from '../../parts/read-credential.ts'
import { type Origin, readOrigin } from '../../parts/repository-origin.ts'
import { cleanText } from '../../terminal/clean-text.ts'
import { type CliIo, coloursFor } from '../../terminal/cli-io.ts'
import { formatInterval, parseDuration } from '../../terminal/format.ts'
import { printTable } from '../../terminal/table.ts'
import { addRepoDeliveriesCommand } from './repo-deliveries.ts'
import { addRepoDeployKeyCommand } from './repo-deploy-key.ts'
import { addRepoLinkCommands } from './repo-link.ts'
import { addRepoSetCommand } from './repo-set.ts'
import { addRepoShowCommand } from './repo-show.ts'

interface AddOptions extends ClientOptions {
  readonly name?: string
  readonly forge?: Forge
  readonly poll?: string
  readonly credentialsFile?: string
}

interface SecretOptions extends ClientOptions {
  readonly ends?: string
}

/** `narwhal repo add|link|unlink|set|show|deliveries|webhook-secret|list|remove` */
export function addRepoCommands(program: Command, io: CliIo): void {
  const repo = program.command('repo').description('registered repositories')
  addClientCommand(repo, 'add <url-or-path>', {
    summary: 'register a repository',
    description:
      'Registers a repository by its URL (https, ssh, git@host:path) or by the path of a folder on the server. New commits are found by polling; a webhook makes that instant.',
    examples: [
      'repo add https://github.com/octocat/hello',
      'repo add git@git.example.com:team/app.git --poll 30s',
      'repo add https://git.example.com/team/private --credentials-file token',
      'repo add . --name me/here',
    ],
  })
    .option('--name <owner/name>', "its name here (default: the URL's or the folder's)")
    .addOption(
      new Option('--forge <forge>', 'who hosts it (default: by the URL, or by asking)').choices(
        FORGES,
      ),
    )
    .option('--poll <duration>', 'how often to poll for new commits: 30s, 5m, off (default: 60s)')
    .option('--credentials-file <file>', CREDENTIALS_HELP)
    .action((origin: string, options: AddOptions) => add(origin, options, io))
  addRepoLinkCommands(repo, io)
  addRepoSetCommand(repo, io)
  addRepoDeployKeyCommand(repo, io)
  addRepoShowCommand(repo, io)
  addRepoDeliveriesCommand(repo, io)
  addClientCommand(repo, 'webhook-secret <repository>', {
    summary: 'create a new webhook secret, to enter at the forge',
    description:
      'Creates a new webhook secret. The previous one stays valid until the forge has sent a commit signed with the new one, for a week at most.',
    examples: [
      'repo webhook-secret octocat/hello',
      'repo webhook-secret octocat/hello --ends 24h',
      'repo webhook-secret octocat/hello --ends now',
    ],
  })
    .option('--ends <duration>', 'when the previous secret expires: 24h, or now (default: 168h)')
    .action((repository: string, options: SecretOptions) => newSecret(repository, options, io))
  addClientCommand(repo, 'list', {
    summary: 'list registered repositories',
    examples: ['repo list', 'repo list --json'],
  }).action((options: ClientOptions) => list(options, io))
  addRemoveCommand(
    repo,
    'remove <repository>',
    {
      summary: 'remove a repository',
      description: 'Removes a repository, by name or id: no new pipelines are created for it.',
      examples: ['repo remove octocat/hello'],
    },
    { io, remove: (client, repository) => client.removeRepository(repository) },
  )
}

async function add(given: string, options: AddOptions, io: CliIo): Promise<void> {
  const pollIntervalMs = options.poll === undefined ? undefined : parseDuration(options.poll)
  const client = await openClient(options, io)
  const origin = await readOrigin(given, io.cwd)
  const { credentialsFile: file } = options
  const credentials = file === undefined ? undefined : await readGitCredentials(file, io)
  const registered = await client.addRepository({
    name: options.name ?? origin.name,
    cloneUrl: origin.cloneUrl,
    ...present({ pollIntervalMs, credentials, forge: options.forge ?? forgeOf(origin) }),
  })
  if (options.json) return printJson(io, registered)
  const { repository, webhook } = registered
  const name = cleanText(repository.name)
  const polled =
    repository.pollIntervalMs === 0
      ? 'webhooks only'
      : `polled every ${formatInterval(repository.pollIntervalMs)}`
  const bold = coloursFor(io, io.stdout).bold
  io.stdout.write(`registered ${bold(name)} (${cleanText(repository.cloneUrl)}), ${polled}\n`)
  if (webhook) printWebhook(client.address.server, { repository, webhook }, io)
  if (registered.isForgeUnknown) note(io, unknownForge(name))
  note(io, `run it with: narwhal pipeline start ${name} --follow`)
  if (hasWebhooks(repository.forge)) {
    const { title } = FORGE_FACTS[repository.forge]
    note(io, `report statuses to ${title} with: narwhal repo link ${name} --token-file <file>`)
  }
}

/** Undefined: a server is asked what it is. A folder is served by none. */
function forgeOf({ cloneUrl, forge }: Origin): Forge | undefined {
  return forge === 'git' && !cloneUrl.startsWith('/') ? undefined : forge
}

function unknownForge(name: string): string {
  const kinds = FORGES.filter((forge) => forge !== 'git').join('|')
  return `which forge hosts it is unknown: its server doesn't say. It is polled as plain git, without webhooks and pull requests; to name its forge: narwhal repo set ${name} --forge ${kinds}`
}

async function newSecret(repository: string, options: SecretOptions, io: CliIo): Promise<void> {
  const { ends } = options
  const endsInMs = ends === undefined || ends === 'now' ? 0 : parseDuration(ends)
  const client = await openClient(options, io)
  const renewed = await client.newWebhookSecret(repository, ends === undefined ? ends : endsInMs)
  if (options.json) return printJson(io, renewed)
  const { webhook } = renewed
  if (!webhook) return
  printWebhook(client.address.server, { ...renewed, webhook }, io)
  const { formerEndsAt } = webhook
  note(
    io,
    formerEndsAt === undefined
      ? 'the previous secret is rejected from now on'
      : `the previous secret is valid until a commit signed with the new one arrives, or until ${new Date(formerEndsAt).toISOString()}`,
  )
}

type WithWebhook = RegisteredRepository & {
  readonly webhook: NonNullable<RegisteredRepository['webhook']>
}

function printWebhook(server: string, { repository, webhook }: WithWebhook, io: CliIo): void {
  const { forge, name, forgePath = name } = repository
  if (!hasWebhooks(forge)) return
  const { settingsUrl, contentType, events, ...fields } = webhookFacts(forge)
  const url = `${server}${cleanText(webhook.path)}`
  const isLocal = /^(?:localhost|127\.|\[::1\])/.test(new URL(server).hostname)
  const shownName = cleanText(forgePath)
  const place =
    settingsUrl === undefined
      ? `the forge, under Settings → Webhooks of ${shownName}`
      : `${settingsUrl.replace('{name}', () => shownName)}, as an administrator`
  const lines = [
    '',
    `Enter this at ${place}:`,
    `  ${fields.url.padEnd(13)} ${url}`,
    ...(contentType === undefined ? [] : [`  Content type  ${contentType}`]),
    `  ${fields.secret.padEnd(13)} ${cleanText(webhook.secret)}`,
    `  ${events.field.padEnd(13)} ${events.chosen}`,
  ]
  const { allowPrivate, title } = forgeFacts(forge)
  if (allowPrivate !== undefined && !isWellKnown(repository.cloneUrl)) {
    lines.push(
      '',
      `On the same network, ${title} sends nothing to this server unless its administrator allows that:`,
      `  ${allowPrivate}`,
    )
  }
  if (isLocal) {
    lines.push(
      `${FORGE_FACTS[forge].title} can't reach ${server}: use this server's public address instead.`,
    )
  }
  io.stdout.write(`${lines.join('\n')}\n`)
}

function isWellKnown(cloneUrl: string): boolean {
  return forgeKindAt(cloneHost(cloneUrl)) !== undefined
}

async function list(options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const repositories = await client.listRepositories()
  if (options.json) return printJson(io, { repositories })
  if (repositories.length === 0) {
    return note(io, 'no repositories registered: add one with `narwhal repo add <url-or-path>`')
  }
  await printTable(io, repositories, [
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
