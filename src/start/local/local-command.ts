import type { Command } from 'commander'
import { addEventOptions, examples, FILE_GROUP } from '../../cli/commands/file.ts'
import { SETTINGS, variableOf } from '../../config/settings.ts'
import type { Launch } from '../context.ts'
import { LOCAL_SETTINGS } from './local-settings.ts'
import type { LocalOptions } from './run-local.ts'

/** Adds `run`; `launchOf` makes of a command's flags what it is started with. */
export function addLocalCommand(
  program: Command,
  launchOf: (flags: Record<string, unknown>) => Launch,
): void {
  const command = addEventOptions(
    program
      .command('run')
      .argument('[job...]', 'only these jobs, and those that they need')
      .description('run the pipeline of the working tree as it is, without a server'),
  )
    .option('--secret-file <file>', 'secrets for the jobs that name them: NAME=value, YAML or JSON')
    .option('--dry-run', 'show what would be run')
    .option('--from <step>', 'begin with this step, of the only job that has it, or job/step')
    .option('--shell-on-failure', 'open a shell in the sandbox of the step that fails first')
    .option('--plain', 'line by line, also on a terminal')
    .helpGroup(FILE_GROUP)
    .addHelpText(
      'after',
      examples(
        'run',
        'run test --input target=staging',
        'run --from test/unit --shell-on-failure',
        'run --event tag --ref v1.0 --dry-run',
      ),
    )
  for (const name of LOCAL_SETTINGS) {
    const { value, help } = SETTINGS[name]
    command.option(`--${name} <${value}>`, `${help} [${variableOf(name)}]`)
  }
  command.action(async (jobs: string[], flags: LocalOptions & Record<string, unknown>) => {
    const { runLocal } = await import('./run-local.ts')
    await runLocal(launchOf(flags), jobs, flags)
  })
}
