import { type Command, Option } from 'commander'
import type { ForgeLinkView } from '../../../contract/rest/rest-forge-links.ts'
import { FORGE_KINDS } from '../../../core/forges.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import {
  addClientCommand,
  type ClientOptions,
  openClient,
  printJson,
} from '../../parts/client-command.ts'
import { readCredential } from '../../parts/read-credential.ts'
import { cleanText } from '../../terminal/clean-text.ts'
import type { CliIo } from '../../terminal/cli-io.ts'
import { formatAge } from '../../terminal/format.ts'

const TOKEN = { what: 'the token', prompt: "The forge's token: " }

interface LinkOptions extends ClientOptions {
  readonly forge?: ForgeLinkView['forge']
  readonly apiUrl?: string
  readonly project?: string
  readonly tokenFile?: string
  readonly unchecked?: boolean
}

/** `narwhal repo link|unlink` */
export function addRepoLinkCommands(repo: Command, io: CliIo): void {
  addClientCommand(repo, 'link <repository>', {
    summary: 'report commit statuses to its forge',
    description:
      "Reports commit statuses to the repository's forge, with a token that may write them; the forge is asked first. Without a token it shows where they are reported, and which was sent last. Forge, API and project default to those of the clone URL.",
    examples: [
      'repo link octocat/hello --token-file github-token',
      'repo link team/app --forge gitea --token-file -',
      'repo link team/app --forge gitlab --api-url https://git.example.com/api/v4 --token-file token',
      'repo link octocat/hello',
    ],
  })
    .option('--token-file <file>', "the file with the forge's token; - reads standard input")
    .addOption(
      new Option('--forge <forge>', 'the kind of forge; gitea also for Forgejo').choices(
        FORGE_KINDS,
      ),
    )
    .option('--api-url <url>', "the forge's API, like https://git.example.com/api/v1")
    .option('--project <owner/name>', "the repository's path at the forge")
    .option('--unchecked', "link it without asking the forge, which can't be reached now")
    .action((repository: string, options: LinkOptions) => link(repository, options, io))
  addClientCommand(repo, 'unlink <repository>', {
    summary: 'stop reporting statuses, and delete the token',
    examples: ['repo unlink octocat/hello'],
  }).action(async (repository: string, options: ClientOptions) => {
    await (await openClient(options, io)).unlinkForge(repository)
    if (options.json) return printJson(io, { ok: true })
    io.stdout.write(`${cleanText(repository)} is no longer linked\n`)
  })
}

async function link(repository: string, options: LinkOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const { forge, apiUrl, project, tokenFile } = options
  if (tokenFile === undefined && (forge ?? apiUrl ?? project) !== undefined) {
    throw new NarwhalError('invalid', 'add the token: --token-file <file>, or - for standard input')
  }
  const shown =
    tokenFile === undefined
      ? await client.getForgeLink(repository)
      : await client.linkForge(repository, {
          token: await readCredential(tokenFile, TOKEN, io),
          ...present({ forge, apiUrl, project, isUnchecked: options.unchecked }),
        })
  if (options.json) return printJson(io, { link: shown })
  const at = `${cleanText(shown.project)} (${shown.forge}, ${cleanText(shown.apiUrl)})`
  io.stdout.write(`statuses of ${cleanText(repository)} are reported to ${at}\n`)
  const { refusal, last } = shown
  if (refusal) {
    const first = formatAge(refusal.since, io.now())
    io.stdout.write(`the token is rejected, first ${first}: ${cleanText(refusal.words)}\n`)
  }
  if (!last) return
  const when = formatAge(last.toldAt, io.now())
  const what = `${cleanText(last.state)} of ${last.sha.slice(0, 7)}`
  const words =
    last.error === undefined
      ? `last sent ${when}: ${what}`
      : `last rejected ${when}: ${what}: ${cleanText(last.error)}`
  io.stdout.write(`${words}\n`)
}
