import { type Command, Option } from 'commander'
import { addClientCommand, openClient, wholeNumber } from '../parts/client-command.ts'
import type { LogsOptions } from '../parts/print-logs.ts'
import type { CliIo } from '../terminal/cli-io.ts'

/** `narwhal logs` */
export function addLogsCommand(program: Command, io: CliIo): void {
  addClientCommand(program, 'logs <job-or-pipeline>', {
    summary: 'print the log of a job, or of all jobs of a pipeline',
    description:
      "Prints the log of a job (by its id), or of all jobs of a pipeline (by its id, or like owner/name#12). On a terminal the logs' colours stay; everything else that would steer it is taken out.",
    examples: [
      'logs octocat/hello#12',
      'logs octocat/hello#12 --job test --follow',
      'logs job_01jd3v6w5k8m --attempt 1 --timestamps',
    ],
  })
    .option('-f, --follow', 'go on until the end; exit with 1 unless it is a success')
    .option('--attempt <n>', 'this attempt; by default the newest', wholeNumber('--attempt'))
    .addOption(new Option('-t, --timestamps', 'print the time before each line').conflicts('json'))
    .option('--job <name>', "only the pipeline's job of this name")
    .action(async (given: string, options: LogsOptions) => {
      const client = await openClient(options, io)
      const { printLogs } = await import('../parts/print-logs.ts')
      await printLogs(client, given, options, io)
    })
}
