import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { addFileCommands } from './cli/commands/file.ts'
import { addClientCommands } from './cli/commands.ts'
import { createProgram, runProgram } from './cli/program.ts'
import { SERVICE_SETTINGS, type ServiceName } from './config/service-settings.ts'
import { SETTINGS, variableOf } from './config/settings.ts'
import { addBackupCommands } from './start/commands/backup-commands.ts'
import { addDoctorCommand } from './start/commands/doctor-commands.ts'
import { addImageCommands } from './start/commands/image-commands.ts'
import type { Launch } from './start/context.ts'
import { addLocalCommand } from './start/local/local-command.ts'
import { endAnyway, openProcess, RUN_SIGNALS } from './start/own-process.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const isRun = process.argv[2] === 'run'
const own = openProcess(root, isRun ? RUN_SIGNALS : ['SIGINT', 'SIGTERM'])
const { io } = own

/** Adds the command of a service; its settings are flags and, as its help says, variables. */
function addService(
  program: Command,
  name: ServiceName,
  summary: string,
  load: () => Promise<(launch: Launch) => Promise<void>>,
): Command {
  const command = program.command(name).description(summary).helpGroup('Services:')
  for (const setting of SERVICE_SETTINGS[name]) {
    const { value, help } = SETTINGS[setting]
    const { fallback } = SETTINGS[setting] as { fallback?: string }
    const note = fallback ? ` (${fallback})` : ''
    command.option(`--${setting} <${value}>`, `${help}${note} [${variableOf(setting)}]`)
  }
  return command.action(async (flags: Record<string, unknown>) => {
    const run = await load()
    await run({ ...own, flags })
  })
}

const program = createProgram(io, own.version)
addService(program, 'up', 'agent, dispatcher, runner and web in one process', async () => {
  return (await import('./start/up.ts')).runUp
}).option('--build <folder>', 'first build this folder, showing its progress')
addService(program, 'agent', 'receive webhooks and poll repositories', async () => {
  return (await import('./start/agent.ts')).runAgent
})
addService(program, 'dispatcher', 'assign jobs to runners', async () => {
  return (await import('./start/dispatcher.ts')).runDispatcher
})
addService(program, 'runner', 'run jobs, or manage runners', async () => {
  return (await import('./start/runner.ts')).runRunner
}).option('--ephemeral', 'leave the list of runners on exit, for short-lived machines')
addService(program, 'web', 'serve the page and the API', async () => {
  return (await import('./start/web.ts')).runWeb
})
addFileCommands(program, io)
addLocalCommand(program, (flags) => ({ ...own, flags }))
addBackupCommands(program, (flags) => ({ ...own, flags }))
addDoctorCommand(program, (flags) => ({ ...own, flags }))
addImageCommands(program, (flags) => ({ ...own, flags }))
addClientCommands(program, io)
await runProgram(program, process.argv.slice(2), io)
if (isRun) endAnyway(own)
