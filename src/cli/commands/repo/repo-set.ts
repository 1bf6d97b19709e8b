import { type Command, Option } from 'commander'
import type { RepositoryView } from '../../../contract/rest/rest-repositories.ts'
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
    summary: 'change the rules for strangers, and the status of skipped pipelines',
    description:
      "Changes whose commits wait for approval; which accounts are strangers even on branches of the repository itself, such as bots that push the work of others; whether strangers who needn't wait do so if they change pipeline files; and which status a commit without jobs to run has at the forge.",
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
        'whether authors with merged commits wait if they change pipeline files',
      ).choices(PIPELINE_FILES_RULES),
    )
    .addOption(
      new Option('--skipped <what>', 'status at the forge of a commit without jobs to run').choices(
        ['success', 'open'],
      ),
    )
    .option('--strangers <ids>', 'account ids at the forge, separated by commas, or none')
    .action((repository: string, options: SetOptions) => set(repository, options, io))
}

async function set(given: string, options: SetOptions, io: CliIo): Promise<void> {
  const { approval, strangers, pipelineFiles, skipped } = options
  if ([approval, strangers, pipelineFiles, skipped].every((one) => one === undefined)) {
    const words = 'nothing to change: use --approval, --pipeline-files, --skipped or --strangers'
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
    `--strangers takes account ids at the forge, separated by commas, or none; not ${JSON.stringify(text.slice(0, 100))}`,
  )
}

function describe(repository: RepositoryView): string {
  const { name, approval, pipelineFiles, skippedIsOpen, strangerAccounts = [] } = repository
  const accounts = strangerAccounts.length > 0 ? `; strangers: ${strangerAccounts.join(', ')}` : ''
  const files = `pipeline files: ${pipelineFiles ?? 'wait'}`
  const skipped = `skipped: ${skippedIsOpen ? 'open' : 'success'}`
  return `${cleanText(name)}: approval: ${approval ?? 'nobody'}; ${files}; ${skipped}${accounts}`
}
