import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { Command } from 'commander'
import { recordedIo } from '#root/test/support/cli/recorded-io.ts'
import { addDoctorCommand } from '../start/commands/doctor-commands.ts'
import { addImageCommands } from '../start/commands/image-commands.ts'
import { addLocalCommand } from '../start/local/local-command.ts'
import { addFileCommands } from './commands/file.ts'
import { addClientCommands } from './commands.ts'
import { createProgram } from './program.ts'
import { EXIT, EXIT_CODE_HELP } from './terminal/exit-code.ts'

/** The commands as they are, but none of them does anything. */
function idleProgram() {
  const io = recordedIo()
  const program = createProgram(io, '0.1.0')
  addFileCommands(program, io)
  addLocalCommand(program, (flags) => ({ io, root: '/', version: '0.1.0', flags }))
  addDoctorCommand(program, (flags) => ({ io, root: '/', version: '0.1.0', flags }))
  addImageCommands(program, (flags) => ({ io, root: '/', version: '0.1.0', flags }))
  addClientCommands(program, io)
  const leaves = leavesOf(program, [])
  for (const { command } of leaves) command.action(() => {})
  return { io, program, leaves }
}

/** Those that do something: `runner token` does, and has commands of its own besides. */
function leavesOf(command: Command, path: string[]): { command: Command; path: string[] }[] {
  const children = command.commands.flatMap((child) => leavesOf(child, [...path, child.name()]))
  const isGroup = children.length > 0 && (path.length === 0 || command.options.length === 0)
  return isGroup ? children : [{ command, path }, ...children]
}

/** The words of a shell command, without quotes. */
function words(line: string): string[] {
  // What is behind `<` is for the shell.
  return [...line.replace(/ < \S+$/, '').matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare ?? '',
  )
}

const manual = await readFile(new URL('../../docs/manual/command-line.md', import.meta.url), 'utf8')

test('every command and every option stands in the manual', () => {
  for (const { command, path } of idleProgram().leaves) {
    const usage = `narwhal ${path.join(' ')}`
    const start = manual.search(new RegExp(`^### \`${usage}[ \`]`, 'm'))
    assert.ok(start >= 0, `${usage} has no heading`)
    const end = manual.indexOf('\n##', start + 1)
    const section = manual.slice(start, end < 0 ? undefined : end)
    for (const option of command.options) {
      const isShared = [
        '--server',
        '--token',
        '--data',
        '--ca',
        '--cert',
        '--key',
        '--json',
      ].includes(option.long ?? '')
      const place = isShared ? manual : section
      assert.ok(place.includes(option.flags), `${usage} ${option.flags}`)
    }
  }
})

test('every example of the manual and of the help is one that the program takes', async () => {
  const inHelp = idleProgram().leaves.flatMap(({ command }) => {
    let help = ''
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp()
    const examples = [...help.matchAll(/^ {2}\$ narwhal (.*)$/gm)].map(([, line]) => line ?? '')
    assert.ok(examples.length > 0, `${command.name()} has no example`)
    return examples
  })
  const inManual = [...manual.matchAll(/^narwhal (.*)$/gm)].map(([, line]) => line ?? '')
  assert.ok(inManual.length > 10)
  for (const line of [...inHelp, ...inManual]) {
    await assert.doesNotReject(
      idleProgram().program.parseAsync(words(line), { from: 'user' }),
      line,
    )
  }
})

test('every exit code stands in the help and in the manual', () => {
  for (const code of Object.values(EXIT)) {
    assert.match(EXIT_CODE_HELP, new RegExp(`^  ${code} `, 'm'))
    assert.match(manual, new RegExp(`^\\| ${code} \\|`, 'm'))
  }
})
