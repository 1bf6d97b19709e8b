import type { Command } from 'commander'
import { CLIENT_GROUP } from '../../cli/commands.ts'
import { SETTINGS, variableOf } from '../../config/settings.ts'
import type { Launch } from '../context.ts'

/**
 * Adds `backup`, `restore` and `secret rotate`, which work on the database itself, whether Narwhal runs or not.
 * `launchOf` makes of a command's flags what it is started with.
 */
export function addBackupCommands(
  program: Command,
  launchOf: (flags: Record<string, unknown>) => Launch,
): void {
  addRotation(program, launchOf)
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
    .option(
      '--retire <kid>',
      'take a key that signed id tokens out of use, which came back with it',
    )
    .option('--after-pg-restore', 'of PostgreSQL, after pg_restore: make it ready to go on with')
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
      'Makes a new key in the file of keys, seals all secrets of the database under it, and takes the former keys out of the file; also while Narwhal runs. It works on the file and the database themselves, and goes on where it was broken off. Where processes have copies of the file: call it with --prepare, copy the file to all, and then call it without.',
    )
    .option('--prepare', 'only add the new key to the file')
    .option('--lost', 'the former keys are lost: forget the secrets that they sealed')
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
  return command.helpGroup('The database:')
}
