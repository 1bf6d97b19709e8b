import type { Command } from 'commander'
import { addAuditCommands } from './commands/audit.ts'
import { addIdTokenCommands } from './commands/id-tokens.ts'
import { addLogCommands } from './commands/log.ts'
import { addLogsCommand } from './commands/logs.ts'
import { addPipelineCommands } from './commands/pipeline/pipeline.ts'
import { addQueueCommand } from './commands/queue.ts'
import { addRepoCommands } from './commands/repo/repo.ts'
import { addRetentionCommands } from './commands/retention.ts'
import { addRunnerCommands } from './commands/runner.ts'
import { addSecretCommands } from './commands/secret.ts'
import { addSignInLinkCommand } from './commands/sign-in-link.ts'
import { addTokenCommands } from './commands/token.ts'
import { addUserCommands } from './commands/user.ts'
import type { CliIo } from './terminal/cli-io.ts'

/** The title under which `narwhal --help` lists the commands that talk to a server. */
export const CLIENT_GROUP = 'Commands that talk to a running Narwhal:'

/**
 * Adds the commands that talk to a running Narwhal: repo, pipeline, logs, log, queue, runner, secret, token,
 * user, audit, retention, sign-in-link. The
 * program should come from `createProgram`, whose output and exits the new commands take over. The
 * `runner` command is shared with the service of that name, if it is there already.
 */
export function addClientCommands(program: Command, io: CliIo): void {
  program.commandsGroup(CLIENT_GROUP)
  addRepoCommands(program, io)
  addPipelineCommands(program, io)
  addLogsCommand(program, io)
  addLogCommands(program, io)
  addQueueCommand(program, io)
  addRunnerCommands(program, io)
  addSecretCommands(program, io)
  addIdTokenCommands(program, io)
  addTokenCommands(program, io)
  addUserCommands(program, io)
  addAuditCommands(program, io)
  addRetentionCommands(program, io)
  addSignInLinkCommand(program, io)
}
