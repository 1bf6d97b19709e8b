import type { Command } from 'commander'
import { networkInBrief } from '../../contract/rest/network-words.ts'
import type { RunnerView } from '../../contract/rest/views.ts'
import { present } from '../../lib/present.ts'
import { isLoopbackUrl } from '../../lib/reach/loopback.ts'
import { readOwnToken } from '../../lib/reach/own-token.ts'
import {
  addClientCommand,
  addRemoveCommand,
  type ClientOptions,
  dataFolderOf,
  note,
  openClient,
  printJson,
  warnOfFlag,
} from '../parts/client-command.ts'
import { cleanText } from '../terminal/clean-text.ts'
import { type CliIo, coloursFor } from '../terminal/cli-io.ts'
import { formatAge, paintStatus } from '../terminal/format.ts'
import { printTable } from '../terminal/table.ts'
import { addRunnerTokenCommands, labelList } from './runner-token.ts'

interface AddOptions extends ClientOptions {
  readonly labels?: string[]
  readonly balanced?: boolean
  readonly runnerToken?: string
}

/**
 * `narwhal runner list|add|remove|drain|resume|token`; the service of that name keeps its options.
 */
export function addRunnerCommands(program: Command, io: CliIo): void {
  const runner =
    program.commands.find((command) => command.name() === 'runner') ??
    program.command('runner').description('runners')
  addClientCommand(runner, 'list', {
    summary: 'list runners',
    examples: ['runner list'],
  }).action((options: ClientOptions) => list(options, io))
  addClientCommand(runner, 'add <name> <url>', {
    summary: 'register a runner, or a load balancer in front of several',
    description:
      'Registers the URL of a runner, or of a load balancer in front of several runners.',
    examples: [
      'runner add build-1 https://build-1.example.com:4750',
      'runner add farm http://10.0.0.5:4750 --balanced',
    ],
  })
    .option('--balanced', 'the URL is that of a load balancer in front of several runners')
    .option('--labels <list>', 'which of the labels it claims it gets (default: all)', labelList)
    .option('--runner-token <token>', 'token that the runner requires (or NARWHAL_RUNNER_TOKEN)')
    .action((name: string, url: string, options: AddOptions) => add(name, url, options, io))
  addRemoveCommand(
    runner,
    'remove <runner>',
    {
      summary: 'remove a runner',
      examples: ['runner remove build-1'],
    },
    { io, remove: (client, given) => client.removeRunner(given) },
  )
  addClientCommand(runner, 'drain <runner>', {
    summary: 'assign no more jobs to a runner; running ones continue',
    examples: ['runner drain build-1'],
  }).action(async (given: string, options: ClientOptions) => {
    printChanged(io, options, await (await openClient(options, io)).drainRunner(given))
  })
  addClientCommand(runner, 'resume <runner>', {
    summary: 'assign jobs to a drained runner again',
    examples: ['runner resume build-1'],
  }).action(async (given: string, options: ClientOptions) => {
    printChanged(io, options, await (await openClient(options, io)).resumeRunner(given))
  })
  addRunnerTokenCommands(runner, io)
}

function printChanged(io: CliIo, options: ClientOptions, runner: RunnerView): void {
  if (options.json) return printJson(io, { runner })
  const why = runner.reason ? `: ${cleanText(runner.reason)}` : ''
  io.stdout.write(`${cleanText(runner.name)} is ${stateWord(runner)}${why}\n`)
}

function stateWord(runner: RunnerView): string {
  return runner.state === 'set_aside' ? 'quarantined' : runner.state
}

function detailsOf({ reason, flawedTools = [] }: RunnerView): string {
  const flawed = flawedTools.map(({ name, version }) => `${name} ${version}`)
  const vulnerable = flawed.length > 0 ? `known vulnerabilities: ${flawed.join(', ')}` : undefined
  return [reason, vulnerable].filter((part) => part !== undefined).join('; ')
}

async function add(name: string, url: string, options: AddOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  if (options.runnerToken) warnOfFlag(io, '--runner-token', 'NARWHAL_RUNNER_TOKEN')
  const given = options.runnerToken || io.env['NARWHAL_RUNNER_TOKEN']
  // A runner of this machine has written it to the data folder, unless it was given one.
  const token =
    given || (isLoopbackUrl(url) ? readOwnToken(dataFolderOf(options, io), 'runner') : undefined)
  const runner = await client.addRunner({
    name,
    url,
    balanced: options.balanced ?? false,
    ...present({ token: token || undefined, labels: options.labels }),
  })
  printChanged(io, options, runner)
}

async function list(options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const runners = await client.listRunners()
  if (options.json) return printJson(io, { runners })
  if (runners.length === 0) {
    return note(io, 'no runners: start one with `narwhal runner --dispatcher <url>`')
  }
  const colours = coloursFor(io, io.stdout)
  const now = io.now()
  await printTable(io, runners, [
    { title: 'runner', cell: ({ name }) => cleanText(name) },
    { title: 'state', cell: (one) => paintStatus(colours, stateWord(one)) },
    { title: 'busy', cell: ({ busy, slots }) => `${busy}/${slots}` },
    { title: 'engines', cell: ({ engines }) => engines.join(',') },
    { title: 'labels', cell: ({ labels }) => cleanText(labels.join(',')), shrinkTo: 10 },
    {
      title: 'link',
      cell: ({ link, url, balanced, members }) =>
        cleanText(url ?? link.replace('-', ' ')) + (balanced ? ` (${members} behind)` : ''),
      shrinkTo: 15,
    },
    {
      title: 'seen',
      cell: ({ lastSeenAt }) => (lastSeenAt === undefined ? 'never' : formatAge(lastSeenAt, now)),
    },
    {
      title: 'network',
      cell: ({ jobNetwork }) => (jobNetwork ? cleanText(networkInBrief(jobNetwork)) : ''),
      shrinkTo: 12,
    },
    { title: 'details', cell: (one) => cleanText(detailsOf(one)), shrinkTo: 15 },
  ])
}
