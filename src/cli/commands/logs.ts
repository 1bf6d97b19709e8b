import { type Command, Option } from 'commander'
import { addClientCommand, openClient, wholeNumber } from '../parts/client-command.ts'
import type { LogsOptions } from '../parts/print-logs.ts'
import type { CliIo } from '../terminal/cli-io.ts'

/** `narwhal logs` */
export function addLogsCommand(program: Command, io: CliIo): void {
  addClientCommand(program, 'logs <job-or-pipeline>', {
    summary: 'print the log of a job, or of all jobs of a pipeline',
    description:
      'Prints the log of a job (by id), or of all jobs of a pipeline (by id or owner/name#12). Logs keep their colours on a terminal; all other control sequences are removed.',
    examples: [
      'logs octocat/hello#12',
      'logs octocat/hello#12 --job test --follow',
      'logs job_01jd3v6w5k8m --attempt 1 --timestamps',
    ],
  })
    .option('-f, --follow', 'continue until the end; exit with 1 unless it succeeds')
    .option('--attempt <n>', 'this attempt (default: the newest)', wholeNumber('--attempt'))
    .addOption(new Option('-t, --timestamps', 'print the time of each line').conflicts('json'))
    .option('--job <name>', 'only this job of the pipeline')
    .action(async (given: string, options: LogsOptions) => {
      const client = await openClient(options, io)
      const { printLogs } = await import('../parts/print-logs.ts')
      await printLogs(client, given, options, io)
    })
}
