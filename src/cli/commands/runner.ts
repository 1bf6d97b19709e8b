import type { Command } from 'commander'
import { networkInBrief } from '../../contract/rest/network-words.ts'
import type { RunnerView } from '../../contract/rest/views.ts'
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
  tellOff,
} from '../parts/client-command.ts'
import { cleanText } from '../terminal/clean-text.ts'
import { type CliIo, coloursFor } from '../terminal/cli-io.ts'
import { formatAge, paintStatus } from '../terminal/format.ts'
import { printTable } from '../terminal/table.ts'
import { addRunnerTokenCommands, labelList } from './runner-token.ts'

interface AddOptions extends ClientOptions {
  readonly labels?: string
  readonly balanced?: boolean
  readonly runnerToken?: string
}

/**
 * `narwhal runner list|add|remove|drain|resume|token`; the service of the same name keeps its
 * options.
 */
export function addRunnerCommands(program: Command, io: CliIo): void {
  const runner =
    program.commands.find((command) => command.name() === 'runner') ??
    program.command('runner').description('the runners that do the work')
  addClientCommand(runner, 'list', {
    summary: 'list the runners',
    examples: ['runner list'],
  }).action((options: ClientOptions) => list(options, io))
  addClientCommand(runner, 'add <name> <url>', {
    summary: 'register a runner, or a load balancer before several',
    description:
      'Registers the URL at which a runner, or a load balancer before several runners, answers.',
    examples: [
      'runner add build-1 https://build-1.example.com:4750',
      'runner add farm http://10.0.0.5:4750 --balanced',
    ],
  })
    .option('--balanced', "the URL is a load balancer's with several runners behind it")
    .option('--labels <list>', 'of the labels that it says, those that it gets; all unless told')
    .option('--runner-token <token>', 'what the runner wants to see (or NARWHAL_RUNNER_TOKEN)')
    .action((name: string, url: string, options: AddOptions) => add(name, url, options, io))
  addRemoveCommand(
    runner,
    'remove <runner>',
    {
      summary: 'forget a runner',
      examples: ['runner remove build-1'],
    },
    { io, remove: (client, given) => client.removeRunner(given) },
  )
  addClientCommand(runner, 'drain <runner>', {
    summary: 'give a runner no more jobs; those it has go on',
    examples: ['runner drain build-1'],
  }).action(async (given: string, options: ClientOptions) => {
    printChanged(io, options, await (await openClient(options, io)).drainRunner(given))
  })
  addClientCommand(runner, 'resume <runner>', {
    summary: 'give a drained runner jobs again',
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
  return runner.state.replace('_', ' ')
}

function aboutOf({ reason, flawedTools = [] }: RunnerView): string {
  const flawed = flawedTools.map(({ name, version }) => `${name} ${version}`)
  const holes = flawed.length > 0 ? `known holes: ${flawed.join(', ')}` : undefined
  return [reason, holes].filter((part) => part !== undefined).join('; ')
}

async function add(name: string, url: string, options: AddOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  if (options.runnerToken) tellOff(io, '--runner-token', 'NARWHAL_RUNNER_TOKEN')
  const given = options.runnerToken || io.env['NARWHAL_RUNNER_TOKEN']
  // A runner of this machine has left it in the data folder, unless it was given one.
  const token =
    given || (isLoopbackUrl(url) ? readOwnToken(dataFolderOf(options, io), 'runner') : undefined)
  const runner = await client.addRunner({
    name,
    url,
    balanced: options.balanced ?? false,
    ...(token ? { token } : {}),
    ...(options.labels === undefined ? {} : { labels: labelList(options.labels) }),
  })
  printChanged(io, options, runner)
}

async function list(options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const runners = await client.listRunners()
  if (options.json) return printJson(io, { runners })
  if (runners.length === 0) {
    return note(io, 'there is no runner: start one with `narwhal runner --dispatcher <url>`')
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
    { title: 'about', cell: (one) => cleanText(aboutOf(one)), shrinkTo: 15 },
  ])
}
