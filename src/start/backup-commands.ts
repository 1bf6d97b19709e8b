import type { Command } from 'commander'
import { SETTINGS, variableOf } from '../config/settings.ts'
import type { Launch } from './context.ts'

/**
 * Adds `backup` and `restore`, which work on the database itself, whether Narwhal runs or not.
 * `launchOf` makes of a command's flags what it is started with.
 */
export function addBackupCommands(
  program: Command,
  launchOf: (flags: Record<string, unknown>) => Launch,
): void {
  const backup = program
    .command('backup')
    .argument('<file>', 'the file to make')
    .description('copy the database, also while Narwhal runs')
  addDatabaseOptions(backup).action(async (file: string, flags: Record<string, unknown>) => {
    const { runBackup } = await import('./backup.ts')
    await runBackup(launchOf(flags), file)
  })
  const restore = program
    .command('restore')
    .argument('[file]', 'a file that `narwhal backup` has made')
    .description('put a backup in the place of the database, while Narwhal is stopped')
    .option('--force', 'also when there is a database, which is kept beside it')
    .option('--after-pg-restore', 'of PostgreSQL, after pg_restore: make it ready to go on with')
  addDatabaseOptions(restore).action(
    async (file: string | undefined, flags: Record<string, unknown>) => {
      const { runRestore } = await import('./backup.ts')
      await runRestore(launchOf(flags), file)
    },
  )
}

function addDatabaseOptions(command: Command): Command {
  for (const name of ['data', 'database'] as const) {
    const { value, help } = SETTINGS[name]
    command.option(`--${name} <${value}>`, `${help} [${variableOf(name)}]`)
  }
  return command.helpGroup('The database:')
}
