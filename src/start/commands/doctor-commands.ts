import type { Command } from 'commander'
import { examples } from '../../cli/commands/file.ts'
import type { Launch } from '../context.ts'
import { withSetting } from './with-setting.ts'

/** Adds `doctor`, which needs no server. `launchOf` makes a launch of a command's flags. */
export function addDoctorCommand(
  program: Command,
  launchOf: (flags: Record<string, unknown>) => Launch,
): void {
  const doctor = program
    .command('doctor')
    .description('say what this machine has, and lacks, to start containers without an engine')
    .helpGroup('This machine:')
  withSetting(withSetting(doctor, 'data'), 'container-ids')
    .addHelpText('after', examples('doctor'))
    .action(async (flags: Record<string, unknown>) => {
      const { runDoctor } = await import('./doctor.ts')
      await runDoctor(launchOf(flags))
    })
}
