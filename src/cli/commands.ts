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

export const CLIENT_GROUP = 'Commands that talk to a running Narwhal:'

/**
 * Adds the commands that talk to a running Narwhal. The program must come from `createProgram`: the new
 * commands inherit its output and exits. `runner` is shared with the service of that name, if present.
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
