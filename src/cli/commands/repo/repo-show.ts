import type { Command } from 'commander'
import type { RepositoryView } from '../../../contract/rest/rest-repositories.ts'
import {
  addClientCommand,
  type ClientOptions,
  openClient,
  printJson,
} from '../../parts/client-command.ts'
import { cleanText } from '../../terminal/clean-text.ts'
import { type CliIo, coloursFor } from '../../terminal/cli-io.ts'
import { formatAge, formatInterval } from '../../terminal/format.ts'

/** `narwhal repo show` */
export function addRepoShowCommand(repo: Command, io: CliIo): void {
  addClientCommand(repo, 'show <repository>', {
    summary: 'show a repository and its rules for strangers',
    description:
      'Shows how a repository is set up: whose commits wait for approval, which accounts are strangers, by their current names, and which bots push to its branches and might be listed.',
    examples: ['repo show octocat/hello', 'repo show octocat/hello --json'],
  }).action((repository: string, options: ClientOptions) => show(repository, options, io))
}

async function show(given: string, options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const repository = await client.getRepository(given)
  if (options.json) return printJson(io, { repository })
  const colours = coloursFor(io, io.stdout)
  io.stdout.write(`${colours.bold(cleanText(repository.name))}\n`)
  for (const [label, value] of factsOf(repository, io.now())) {
    io.stdout.write(`  ${colours.dim(label.padEnd(9))} ${value}\n`)
  }
}

function factsOf(repository: RepositoryView, now: number): [string, string][] {
  const { forge, cloneUrl, pollIntervalMs: ms, approval, pipelineFiles, skippedIsOpen } = repository
  const unchosen = repository.isApprovalUnchosen ? ' (default)' : ''
  return [
    ['forge', `${forge} (${cleanText(cloneUrl)})`],
    ...credentialsOf(repository),
    ...movedOf(repository),
    ['polled', ms === 0 ? 'no' : `every ${formatInterval(ms)}`],
    ['approval', `${approval ?? 'nobody'}${unchosen}`],
    ['files', `changes to pipeline files ${pipelineFiles ?? 'wait'}`],
    ...refusalOf(repository, now),
    ['skipped', `${skippedIsOpen ? 'open' : 'success'} at the forge`],
    ...strangersOf(repository),
    ...botsOf(repository, now),
    ['id', repository.id],
  ]
}

function credentialsOf({ credentials, deployKey }: RepositoryView): [string, string][] {
  const kinds = credentials ?? []
  const used: [string, string][] =
    kinds.length > 0 ? [['read with', `its ${kinds.join(', ')}`]] : []
  return deployKey === undefined ? used : [...used, ['key', cleanText(deployKey)]]
}

/** The URL is not changed by itself: what a webhook says decides nothing about where commits come from. */
function movedOf({ name, movedTo }: RepositoryView): [string, string][] {
  if (movedTo === undefined) return []
  return [
    ['renamed', `the forge calls it ${cleanText(movedTo)} now; to clone it from there:`],
    ['', `narwhal repo set ${cleanText(name)} --url URL`],
  ]
}

function refusalOf({ name, forgeRefusal }: RepositoryView, now: number): [string, string][] {
  if (!forgeRefusal) return []
  const words = `first ${formatAge(forgeRefusal.since, now)}: ${cleanText(forgeRefusal.words)}`
  return [
    ['token', `rejected by the forge, ${words}; to replace it:`],
    ['', `narwhal repo link ${cleanText(name)} --token-file FILE`],
  ]
}

function strangersOf({ strangers = [] }: RepositoryView): [string, string][] {
  return strangers.map(({ id, name, formerName }) => {
    const shown = name === undefined ? 'not seen yet' : cleanText(name)
    const was =
      formerName === undefined
        ? ''
        : `, was ${cleanText(formerName)} when listed: check whose it is`
    return ['stranger', `${id} (${shown}${was})`]
  })
}

/** The command has the whole list, since it replaces it. */
function botsOf(repository: RepositoryView, now: number): [string, string][] {
  const { name: repositoryName, strangerAccounts = [], seenBots = [] } = repository
  return seenBots.flatMap(({ id, name, seenAt }): [string, string][] => {
    const list = [...strangerAccounts, id].join(',')
    return [
      [
        'bot',
        `${cleanText(name)} pushes to its branches (${formatAge(seenAt, now)}), with secrets; to require approval:`,
      ],
      ['', `narwhal repo set ${cleanText(repositoryName)} --strangers ${list}`],
    ]
  })
}
