import { type Command, Option } from 'commander'
import type { RepositoryView } from '../../../contract/rest/views.ts'
import {
  APPROVAL_RULES,
  type ApprovalRule,
  PIPELINE_FILES_RULES,
  type PipelineFilesRule,
} from '../../../core/stranger/approval.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import {
  addClientCommand,
  type ClientOptions,
  openClient,
  printJson,
} from '../../parts/client-command.ts'
import { cleanText } from '../../terminal/clean-text.ts'
import type { CliIo } from '../../terminal/cli-io.ts'

interface SetOptions extends ClientOptions {
  readonly approval?: ApprovalRule
  readonly strangers?: string
  readonly pipelineFiles?: PipelineFilesRule
  readonly skipped?: 'success' | 'open'
}

/** `narwhal repo set` */
export function addRepoSetCommand(repo: Command, io: CliIo): void {
  addClientCommand(repo, 'set <repository>', {
    summary: 'change what is done about strangers, and what a skipped pipeline is worth',
    description:
      'Says whose commits are run only once somebody has approved that, and which accounts are strangers also on branches of the repository itself: programs that bring the work of others, say. And whether strangers who need not wait do so all the same with a change of what is run, and whether a commit for which nothing is run is a success at the forge.',
    examples: [
      'repo set octocat/hello --approval all-strangers',
      'repo set octocat/hello --strangers 49699333',
      'repo set octocat/hello --strangers none',
      'repo set octocat/hello --pipeline-files run',
      'repo set octocat/hello --skipped open',
    ],
  })
    .addOption(
      new Option('--approval <whose>', 'whose commits wait for approval').choices(APPROVAL_RULES),
    )
    .addOption(
      new Option(
        '--pipeline-files <what>',
        'what is done with a change of what is run by somebody of whom something was merged',
      ).choices(PIPELINE_FILES_RULES),
    )
    .addOption(
      new Option(
        '--skipped <what>',
        'what a commit is at the forge for which nothing is run',
      ).choices(['success', 'open']),
    )
    .option('--strangers <ids>', "accounts by the forge's numbers, with commas; or none")
    .action((repository: string, options: SetOptions) => set(repository, options, io))
}

async function set(given: string, options: SetOptions, io: CliIo): Promise<void> {
  const { approval, strangers, pipelineFiles, skipped } = options
  if ([approval, strangers, pipelineFiles, skipped].every((one) => one === undefined)) {
    const words = 'say what to change: --approval, --pipeline-files, --skipped or --strangers'
    throw new NarwhalError('invalid', words)
  }
  const client = await openClient(options, io)
  const repository = await client.changeRepository(given, {
    ...present({ approval, pipelineFiles }),
    ...(skipped === undefined ? {} : { skippedIsOpen: skipped === 'open' }),
    ...(strangers === undefined ? {} : { strangerAccounts: readAccounts(strangers) }),
  })
  if (options.json) return printJson(io, { repository })
  io.stdout.write(`${describe(repository)}\n`)
}

function readAccounts(text: string): number[] {
  if (text === 'none') return []
  const ids = text.split(',').map((part) => part.trim())
  if (ids.every((id) => /^[1-9]\d{0,14}$/.test(id))) return ids.map(Number)
  throw new NarwhalError(
    'invalid',
    `--strangers takes the numbers of accounts at the forge, with commas between them, or none; not ${JSON.stringify(text.slice(0, 100))}`,
  )
}

function describe(repository: RepositoryView): string {
  const { name, approval, pipelineFiles, skippedIsOpen, strangerAccounts = [] } = repository
  const accounts = strangerAccounts.length > 0 ? `; strangers: ${strangerAccounts.join(', ')}` : ''
  const files = `changes of pipeline files ${pipelineFiles ?? 'wait'}`
  const skipped = `skipped is ${skippedIsOpen ? 'open' : 'success'}`
  return `${cleanText(name)}: approval of ${approval ?? 'nobody'}; ${files}; ${skipped}${accounts}`
}
