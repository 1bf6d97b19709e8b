import { type Command, Option } from 'commander'
import type { ChangeRepository, RepositoryView } from '../../../contract/rest/rest-repositories.ts'
import { FORGES, type Forge } from '../../../core/forges.ts'
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
  note,
  openClient,
  printJson,
} from '../../parts/client-command.ts'
import { CREDENTIALS_HELP, readGitCredentials } from '../../parts/read-credential.ts'
import { readOrigin } from '../../parts/repository-origin.ts'
import { cleanText } from '../../terminal/clean-text.ts'
import type { CliIo } from '../../terminal/cli-io.ts'
import { formatInterval, parseDuration } from '../../terminal/format.ts'

interface SetOptions extends ClientOptions {
  readonly url?: string
  readonly newName?: string
  readonly forge?: Forge
  readonly poll?: string
  /** False: delete them. */
  readonly credentials?: boolean
  readonly credentialsFile?: string
  readonly approval?: ApprovalRule
  readonly strangers?: string
  readonly pipelineFiles?: PipelineFilesRule
  readonly skipped?: 'success' | 'open'
}

/** `narwhal repo set` */
export function addRepoSetCommand(repo: Command, io: CliIo): void {
  addClientCommand(repo, 'set <repository>', {
    summary: 'change where it is, what it is called, and its rules',
    description:
      "Changes a repository: where it is cloned from and how it is polled; its name here; whose commits wait for approval; which accounts are strangers even on branches of the repository itself, such as bots that push the work of others; whether strangers who needn't wait do so if they change pipeline files; and which status a commit without jobs to run has at the forge. Its pipelines, their numbers and its secrets stay.",
    examples: [
      'repo set octocat/hello --url https://github.com/octocat/greeting --new-name octocat/greeting',
      'repo set team/app --forge gitea --poll 5m',
      'repo set octocat/hello --approval all-strangers',
      'repo set octocat/hello --strangers 49699333',
      'repo set octocat/hello --strangers none',
      'repo set octocat/hello --pipeline-files run',
      'repo set octocat/hello --skipped open',
    ],
  })
    .option(
      '--url <url-or-path>',
      'where it is cloned from; the same again if it was made anew there',
    )
    .option('--new-name <owner/name>', 'its name here')
    .addOption(new Option('--forge <forge>', 'who hosts it').choices(FORGES))
    .option('--poll <duration>', 'how often to poll for new commits: 30s, 5m, off')
    .option('--credentials-file <file>', CREDENTIALS_HELP)
    .option('--no-credentials', 'delete its password or token')
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
  const change = await readChange(options, io)
  if (Object.keys(change).length === 0) {
    const words =
      'nothing to change: use --url, --new-name, --forge, --poll, --credentials-file, --approval, --pipeline-files, --skipped or --strangers'
    throw new NarwhalError('invalid', words)
  }
  const client = await openClient(options, io)
  const { repository, warnings } = await client.changeRepository(given, change)
  if (options.json) return printJson(io, { repository, warnings })
  io.stdout.write(`${describe(repository)}\n`)
  for (const warning of warnings) note(io, cleanText(warning))
}

async function readCredentials(
  { credentials, credentialsFile: file }: SetOptions,
  io: CliIo,
): Promise<Pick<ChangeRepository, 'credentials'>> {
  if (file !== undefined) return { credentials: await readGitCredentials(file, io) }
  return credentials === false ? { credentials: null } : {}
}

async function readChange(options: SetOptions, io: CliIo): Promise<ChangeRepository> {
  const { url, newName, forge, poll, approval, strangers, pipelineFiles, skipped } = options
  const change = present({
    cloneUrl: url === undefined ? undefined : (await readOrigin(url, io.cwd)).cloneUrl,
    name: newName,
    forge,
    pollIntervalMs: poll === undefined ? undefined : parseDuration(poll),
    approval,
    pipelineFiles,
    skippedIsOpen: skipped === undefined ? undefined : skipped === 'open',
    strangerAccounts: strangers === undefined ? undefined : readAccounts(strangers),
  })
  return { ...change, ...(await readCredentials(options, io)) }
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
  const { name, forge, cloneUrl, pollIntervalMs: ms, approval } = repository
  const { pipelineFiles, skippedIsOpen, strangerAccounts = [] } = repository
  const rules = [
    `${forge}, ${cleanText(cloneUrl)}`,
    ms === 0 ? 'not polled' : `polled every ${formatInterval(ms)}`,
    `approval: ${approval ?? 'nobody'}`,
    `pipeline files: ${pipelineFiles ?? 'wait'}`,
    `skipped: ${skippedIsOpen ? 'open' : 'success'}`,
    ...(strangerAccounts.length > 0 ? [`strangers: ${strangerAccounts.join(', ')}`] : []),
  ]
  return `${cleanText(name)}: ${rules.join('; ')}`
}
