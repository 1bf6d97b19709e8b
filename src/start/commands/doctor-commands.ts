import type { Command } from 'commander'
import { examples } from '../../cli/commands/file.ts'
import { SETTINGS, variableOf } from '../../config/settings.ts'
import type { Launch } from '../context.ts'

/** Adds `doctor`, which needs no server. `launchOf` makes a launch of a command's flags. */
export function addDoctorCommand(
  program: Command,
  launchOf: (flags: Record<string, unknown>) => Launch,
): void {
  const { value, help } = SETTINGS.data
  program
    .command('doctor')
    .description('say what this machine has, and lacks, to start containers without an engine')
    .helpGroup('This machine:')
    .option(`--data <${value}>`, `${help} [${variableOf('data')}]`)
    .addHelpText('after', examples('doctor'))
    .action(async (flags: Record<string, unknown>) => {
      const { runDoctor } = await import('./doctor.ts')
      await runDoctor(launchOf(flags))
    })
}
