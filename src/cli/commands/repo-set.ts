import { type Command, Option } from 'commander'
import type { RepositoryView } from '../../contract/views.ts'
import { APPROVAL_RULES, type ApprovalRule } from '../../core/approval.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { cleanText } from '../clean-text.ts'
import type { CliIo } from '../cli-io.ts'
import { addClientCommand, type ClientOptions, openClient, printJson } from '../client-command.ts'

interface SetOptions extends ClientOptions {
  readonly approval?: ApprovalRule
  readonly strangers?: string
}

/** `narwhal repo set` */
export function addRepoSetCommand(repo: Command, io: CliIo): void {
  addClientCommand(repo, 'set <repository>', {
    summary: 'change what is done about strangers',
    description:
      'Says whose commits are run only once somebody has approved that, and which accounts are strangers also on branches of the repository itself: programs that bring the work of others, say.',
    examples: [
      'repo set octocat/hello --approval all-strangers',
      'repo set octocat/hello --strangers 49699333',
      'repo set octocat/hello --strangers none',
    ],
  })
    .addOption(
      new Option('--approval <whose>', 'whose commits wait for approval').choices(APPROVAL_RULES),
    )
    .option('--strangers <ids>', "accounts by the forge's numbers, with commas; or none")
    .action((repository: string, options: SetOptions) => set(repository, options, io))
}

async function set(given: string, options: SetOptions, io: CliIo): Promise<void> {
  const { approval, strangers } = options
  if (approval === undefined && strangers === undefined) {
    throw new NarwhalError('invalid', 'say what to change: --approval or --strangers')
  }
  const client = await openClient(options, io)
  const repository = await client.changeRepository(given, {
    ...(approval === undefined ? {} : { approval }),
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

function describe({ name, approval, strangerAccounts = [] }: RepositoryView): string {
  const accounts = strangerAccounts.length > 0 ? `; strangers: ${strangerAccounts.join(', ')}` : ''
  return `${cleanText(name)}: approval of ${approval ?? 'nobody'}${accounts}`
}
