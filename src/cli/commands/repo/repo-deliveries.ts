import type { Command } from 'commander'
import {
  deliveryResult,
  deliverySubject,
} from '../../../contract/rest/deliveries/delivery-words.ts'
import type { DeliveryView } from '../../../contract/rest/deliveries/rest-deliveries.ts'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../../parts/client-command.ts'
import { cleanText } from '../../terminal/clean-text.ts'
import type { CliIo } from '../../terminal/cli-io.ts'
import { formatAge } from '../../terminal/format.ts'
import { printTable } from '../../terminal/table.ts'

/** `narwhal repo deliveries` */
export function addRepoDeliveriesCommand(repo: Command, io: CliIo): void {
  addClientCommand(repo, 'deliveries <repository>', {
    summary: 'list the last webhooks of a repository, and what was done',
    description:
      'Lists the last ten webhooks that the forge sent for a repository: what they were about, what was done with them, and why not. Refused ones are listed once for each reason.',
    examples: ['repo deliveries octocat/hello', 'repo deliveries octocat/hello --json'],
  }).action((repository: string, options: ClientOptions) => list(repository, options, io))
}

async function list(repository: string, options: ClientOptions, io: CliIo): Promise<void> {
  const client = await openClient(options, io)
  const deliveries = await client.listDeliveries(repository)
  if (options.json) return printJson(io, { deliveries })
  if (deliveries.length === 0) {
    note(io, 'no webhook has arrived yet; what to enter at the forge is on its page')
    return
  }
  await printTable(io, deliveries, [
    { title: 'when', cell: ({ at }) => formatAge(at, io.now()) },
    { title: 'event', cell: (one) => cleanText(deliverySubject(one)), shrinkTo: 12 },
    { title: 'ref', cell: ({ ref }) => cleanText(ref ?? ''), shrinkTo: 12 },
    { title: 'result', cell: deliveryResult },
    { title: 'pipeline or reason', cell: detailsOf, shrinkTo: 20 },
  ])
}

function detailsOf({ pipeline, reason }: DeliveryView): string {
  return pipeline ? `#${pipeline.number}` : cleanText(reason ?? '')
}
