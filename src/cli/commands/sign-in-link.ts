import type { Command } from 'commander'
import {
  addClientCommand,
  type ClientOptions,
  note,
  openClient,
  printJson,
} from '../parts/client-command.ts'
import { cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'

/** `narwhal sign-in-link` */
export function addSignInLinkCommand(program: Command, io: CliIo): void {
  addClientCommand(program, 'sign-in-link', {
    summary: 'create a link that signs a browser in, once',
    description:
      'Creates a link that signs a browser in as the owner of the token in use, once, within five minutes, and prints it. Earlier links become invalid.',
    examples: ['sign-in-link'],
  }).action(async (options: ClientOptions) => {
    const client = await openClient(options, io)
    const made = await client.createSignInLink()
    const url = made.url ?? `${client.address.server}/sign-in#code=${made.code}`
    if (options.json) return printJson(io, { ...made, url })
    io.stdout.write(`${cleanText(url)}\n`)
    note(io, 'valid once, within five minutes; anyone who opens it is signed in as you')
  })
}
