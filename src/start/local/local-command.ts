import type { Command } from 'commander'
import { addEventOptions, examples, FILE_GROUP } from '../../cli/commands/file.ts'
import { SETTINGS, variableOf } from '../../config/settings.ts'
import type { Launch } from '../context.ts'
import { LOCAL_SETTINGS } from './local-settings.ts'
import type { LocalOptions } from './run-local.ts'

/** Adds `run`; `launchOf` makes a launch of a command's flags. */
export function addLocalCommand(
  program: Command,
  launchOf: (flags: Record<string, unknown>) => Launch,
): void {
  const command = addEventOptions(
    program
      .command('run')
      .argument('[job...]', 'only these jobs, and those they need')
      .description('run the pipeline of the working tree, without a server'),
  )
    .option('--secret-file <file>', 'file with secrets for jobs: NAME=value, YAML or JSON')
    .option('--dry-run', 'show what would run')
    .option('--from <step>', 'start at this step, by its name if unique, or job/step')
    .option('--shell-on-failure', 'open a shell in the sandbox of the first failed step')
    .option('--plain', 'line by line, even on a terminal')
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
