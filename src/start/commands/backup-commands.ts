import type { Command } from 'commander'
import { CLIENT_GROUP } from '../../cli/commands.ts'
import { SETTINGS, variableOf } from '../../config/settings.ts'
import type { Launch } from '../context.ts'

/**
 * Adds `backup`, `restore` and `secret rotate`, which work on the database directly, without a server.
 * `launchOf` makes a launch of a command's flags.
 */
export function addBackupCommands(
  program: Command,
  launchOf: (flags: Record<string, unknown>) => Launch,
): void {
  addRotation(program, launchOf)
  const backup = program
    .command('backup')
    .argument('<file>', 'the file to create')
    .description('back up the database, even while Narwhal is running')
  addDatabaseOptions(backup).action(async (file: string, flags: Record<string, unknown>) => {
    const { runBackup } = await import('./backup.ts')
    await runBackup(launchOf(flags), file)
  })
  const restore = program
    .command('restore')
    .argument('[file]', 'a file created by `narwhal backup`')
    .description('replace the database with a backup, while Narwhal is stopped')
    .option('--force', 'replace an existing database, which is kept next to it')
    .option('--retire <kid>', 'retire a restored id token key that had been retired since')
    .option('--after-pg-restore', 'for PostgreSQL, after pg_restore: prepare the database for use')
  addDatabaseOptions(restore).action(
    async (file: string | undefined, flags: Record<string, unknown>) => {
      const { runRestore } = await import('./backup.ts')
      await runRestore(launchOf(flags), file)
    },
  )
}

function addRotation(program: Command, launchOf: (flags: Record<string, unknown>) => Launch): void {
  const rotate = program
    .command('secret')
    .helpGroup(CLIENT_GROUP)
    .command('rotate')
    .summary('seal all secrets under a new key')
    .description(
      'Adds a new key to the key file, seals all secrets of the database under it, and removes the previous keys from the file, even while Narwhal is running. It works directly on the file and the database, and resumes after an interruption. If processes have copies of the file: run it with --prepare, copy the file to all of them, then run it without.',
    )
    .option('--prepare', 'only add the new key to the file')
    .option('--lost', 'the previous keys are lost: delete the secrets that they sealed')
  addDatabaseOptions(rotate, ['data', 'database', 'sealing-keys']).action(
    async (flags: Record<string, unknown>) => {
      const { runRotation } = await import('./rotate.ts')
      await runRotation(launchOf(flags))
    },
  )
}

type DatabaseOption = 'data' | 'database' | 'sealing-keys'

function addDatabaseOptions(
  command: Command,
  names: readonly DatabaseOption[] = ['data', 'database'],
): Command {
  for (const name of names) {
    const { value, help } = SETTINGS[name]
    command.option(`--${name} <${value}>`, `${help} [${variableOf(name)}]`)
  }
  return command.helpGroup('Database:')
}
