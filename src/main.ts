import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { addFileCommands } from './cli/commands/file.ts'
import { addClientCommands } from './cli/commands.ts'
import { createProgram, runProgram } from './cli/program.ts'
import { processIo } from './cli/terminal/process-io.ts'
import { defaultDataFolder } from './config/data-folder.ts'
import { readClientEnv } from './config/env.ts'
import { SERVICE_SETTINGS, type ServiceName } from './config/service-settings.ts'
import { SETTINGS, variableOf } from './config/settings.ts'
import { NarwhalError } from './lib/errors.ts'
import { addBackupCommands } from './start/commands/backup-commands.ts'
import type { Launch, Stopping } from './start/context.ts'
import { addLocalCommand } from './start/local/local-command.ts'

const stopping: Stopping = { withinMs: 30_000, exitCode: 1 }
/** A service that was started by nohup(1) keeps running when its terminal is closed. */
const isRun = process.argv[2] === 'run'
const SIGNALS = ['SIGINT', 'SIGTERM', ...(isRun ? (['SIGHUP'] as const) : [])] as const

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }
const stop = new AbortController()
for (const signal of SIGNALS) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(stopping.exitCode)
    stop.abort(new NarwhalError('cancelled', `ended by ${signal}`))
    setTimeout(() => process.exit(stopping.exitCode), stopping.withinMs).unref()
  })
}
const io = processIo({
  env: readClientEnv(),
  signal: stop.signal,
  dataFolder: defaultDataFolder(root),
})

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
    await run({ io, root, version, flags, stopping })
  })
}

const program = createProgram(io, version)
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
addLocalCommand(program, (flags) => ({ io, root, version, flags, stopping }))
addBackupCommands(program, (flags) => ({ io, root, version, flags }))
addClientCommands(program, io)
await runProgram(program, process.argv.slice(2), io)
// Whatever is still open, such as a connection to an engine that does not answer.
if (isRun) setTimeout(() => process.exit(), stopping.withinMs).unref()
