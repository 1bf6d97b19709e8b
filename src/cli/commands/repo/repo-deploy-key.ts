import type { Command } from 'commander'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../../parts/client-command.ts'
import { cleanText } from '../../terminal/clean-text.ts'
import type { CliIo } from '../../terminal/cli-io.ts'

/** `narwhal repo deploy-key` */
export function addRepoDeployKeyCommand(repo: Command, io: CliIo): void {
  addClientCommand(repo, 'deploy-key <repository>', {
    summary: 'make an ssh key with which it is read',
    description:
      'Makes an ssh key for a repository, in place of a former one, and prints its public half: enter it at the forge as a deploy key that may only read. The private half is stored encrypted. It is used where the clone URL is of ssh.',
    examples: ['repo deploy-key octocat/hello'],
  }).action((repository: string, options: ClientOptions) => make(repository, options, io))
}

async function make(given: string, options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const made = await client.makeDeployKey(given)
  if (options.json) return printJson(io, made)
  const { repository, deployKey } = made
  const name = cleanText(repository.name)
  io.stdout.write(`${cleanText(deployKey)}\n`)
  note(io, `enter this at the forge, as a deploy key of ${name} that may only read`)
  if (/^https?:/.test(repository.cloneUrl)) {
    note(io, `then have it cloned by ssh: narwhal repo set ${name} --url git@HOST:OWNER/NAME.git`)
  }
}
