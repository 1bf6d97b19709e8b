import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Command } from 'commander'
import { filledNarwhal } from '#root/test/support/cli/filled-narwhal.ts'
import { recordedIo } from '#root/test/support/cli/recorded-io.ts'
import { runCommand } from '#root/test/support/cli/run-command.ts'
import { addClientCommands } from './commands.ts'
import { createProgram } from './program.ts'

test('warns of a credential in a flag, for every command that takes one, and repeats it nowhere', async () => {
  await using fake = await filledNarwhal()
  fake.token = 'nwl_right'
  const io = recordedIo()
  const program = createProgram(io, '0.1.0')
  addClientCommands(program, io)
  const commandsOf = (one: Command): Command[] => [one, ...one.commands.flatMap(commandsOf)]
  const options = commandsOf(program).flatMap((one) => one.options)
  // What takes a credential says so by its name or by that of its value; a file's name is none.
  const takesOne = /--\S*(?:token|secret|password)(?= <(?!file|name))|<(?:token|secret|password)>/
  const flags = new Set(options.filter(({ flags }) => takesOne.test(flags)).map(({ long }) => long))
  assert.deepEqual(
    [...flags].toSorted((one, other) => (`${one}` < `${other}` ? -1 : 1)),
    ['--runner-token', '--token'],
  )
  const lines = [
    'queue --token nwl_right',
    'runner add a http://127.0.0.1:1 --runner-token nwl_dial',
  ]
  for (const line of lines) {
    const { out, err } = await runCommand(fake.url, line, { env: { NARWHAL_TOKEN: 'nwl_right' } })
    assert.match(err, /can read the value of --(?:runner-)?token in the process list/)
    assert.doesNotMatch(out + err, /nwl_/)
  }
})
