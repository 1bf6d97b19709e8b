import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { Command } from 'commander'
import { addFileCommands } from '../src/cli/commands/file.ts'
import { addClientCommands } from '../src/cli/commands.ts'
import { createProgram } from '../src/cli/program.ts'
import { SERVICE_SETTINGS, type ServiceName } from '../src/config/service-settings.ts'
import { SETTINGS, type SettingName, variableOf } from '../src/config/settings.ts'
import { SAMPLE_FACTS } from '../src/core/plan/plan-facts.ts'
import { lintPipelineFile } from '../src/pipeline-file/lint/lint-pipeline-file.ts'
import { parsePipelineFile } from '../src/pipeline-file/parse-pipeline-file.ts'
import { addBackupCommands } from '../src/start/commands/backup-commands.ts'
import { addDoctorCommand } from '../src/start/commands/doctor-commands.ts'
import { addImageCommands } from '../src/start/commands/image-commands.ts'
import { addLocalCommand } from '../src/start/local/local-command.ts'
import { recordedIo } from './support/cli/recorded-io.ts'

const root = resolve(import.meta.dirname, '..')
const run = promisify(execFile)
const services = Object.keys(SERVICE_SETTINGS) as ServiceName[]
const settings = Object.keys(SETTINGS) as SettingName[]
/** Their defaults are the machine's, so that the manual tells them in words. */
const OF_THE_MACHINE: readonly SettingName[] = ['name', 'slots', 'job-cpus']

interface Doc {
  readonly path: string
  readonly text: string
  /** Without the fenced blocks. */
  readonly prose: string
  readonly blocks: readonly { readonly language: string; readonly text: string }[]
}

let documents: readonly Doc[] = []

before(async () => {
  const names = globSync(['*.md', 'docs/**/*.md'], { cwd: root })
  documents = await Promise.all(names.sort().map(readDocument))
})

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm

async function readDocument(path: string): Promise<Doc> {
  const text = await read(path)
  const blocks = [...text.matchAll(FENCE)].map(([, language = '', block = '']) => ({
    language,
    text: block,
  }))
  return { path, text, prose: text.replaceAll(FENCE, ''), blocks }
}

function read(path: string): Promise<string> {
  return readFile(join(root, path), 'utf8')
}

function find(path: string): Doc {
  const found = documents.find((document) => document.path === path)
  assert.ok(found, path)
  return found
}

async function readPackage(): Promise<Record<string, Record<string, string>>> {
  return JSON.parse(await read('package.json')) as Record<string, Record<string, string>>
}

test('every relative link leads to a file, and to a heading in it', async () => {
  for (const { path, prose } of documents) {
    for (const [, link = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue
      const [target = '', heading] = link.split('#')
      const file = target === '' ? path : join(dirname(path), target)
      await assert.doesNotReject(access(join(root, file)), `${path} → ${link}`)
      if (heading === undefined) continue
      const headings = [...(await read(file)).matchAll(/^#+ (.+)$/gm)].map(([, words = '']) =>
        words
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      )
      assert.ok(headings.includes(heading), `${path} → ${link}`)
    }
  }
})

test('every document of the manual and every decision can be found from the README', () => {
  const linked = (path: string) =>
    [...find(path).prose.matchAll(/\]\(([^)\s#]+)/g)].map(([, link = '']) =>
      join(dirname(path), link),
    )
  const reached = new Set([...linked('README.md'), ...linked('docs/adr/README.md')])
  for (const { path } of documents) {
    if (path !== 'README.md') assert.ok(reached.has(path), `${path} is linked from nowhere`)
  }
})

test('every pipeline file in the documents is one', async () => {
  const files = [
    'README.md',
    'docs/manual/narwhal-yml.md',
    'docs/manual/secrets.md',
    'docs/manual/id-tokens.md',
  ].flatMap((path) => find(path).blocks.filter(({ language }) => language === 'yaml'))
  assert.ok(files.length >= 5)
  // One that begins with its path is what others include.
  const included = new Map(
    files.flatMap(({ text }) => {
      const [, path] = /^# (\S+\.yml)\n/.exec(text) ?? []
      return path === undefined ? [] : [[path, { text }] as const]
    }),
  )
  for (const text of [...files.map((block) => block.text), await read('narwhal.yml')]) {
    const parsed = parsePipelineFile(text, undefined, included)
    assert.ok(parsed.ok, `${text}\n${JSON.stringify(!parsed.ok && parsed.problems, null, 2)}`)
  }
})

test('the examples lint clean, and plan as they say', () => {
  const { text, blocks } = find('docs/manual/examples.md')
  const told = [...text.matchAll(/^Run for a push to `(\w+)`: ([^.]*(?:\.\d[^.]*)*)\.$/gm)]
  assert.deepEqual([blocks.length, told.length], [3, 3])
  for (const [i, block] of blocks.entries()) {
    const [, branch = '', words = ''] = told[i] ?? []
    const facts = { ...SAMPLE_FACTS, ref: `refs/heads/${branch}` }
    const { plan, problems, warnings } = lintPipelineFile(block.text, facts)
    assert.deepEqual([problems, warnings], [[], []])
    const run = (plan?.jobs ?? []).filter(({ leftOut }) => leftOut === undefined)
    assert.deepEqual(
      run.map(({ name }) => name),
      [...words.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    )
  }
})

describe('commands in the documents', () => {
  test('of narwhal exist, with their options and arguments', async () => {
    let count = 0
    for (const { path, blocks } of documents) {
      const shell = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text)
      for (const line of shell.join('\n').split('\n')) {
        const command = /^(?:\.\/)?narwhal (.*?)(?: &| < \S+)?$/.exec(line)?.[1]
        if (command === undefined) continue
        count++
        const parsing = idleProgram().parseAsync(words(command), { from: 'user' })
        await assert.doesNotReject(parsing, `${path}: ${line}`)
      }
    }
    assert.ok(count > 20)
  })

  test('of narwhal exist where a sentence names them', () => {
    for (const { path, prose } of documents) {
      for (const [, code = ''] of prose.matchAll(/`(?:\.\/)?narwhal ([a-z][^`]*)`/g)) {
        const name = code.split('|')[0]?.split(' ') ?? []
        assert.ok(names(idleProgram(), name), `${path}: narwhal ${code}`)
      }
    }
  })

  test('of npm and node exist', async () => {
    const { scripts = {} } = await readPackage()
    for (const { path, text } of documents) {
      for (const [, name = ''] of text.matchAll(/\bnpm run ([a-z-]+)/g)) {
        // An example of a pipeline file speaks of somebody else's package.
        if (/^docs\/manual\/(?:narwhal-yml|examples)\.md$/.test(path)) continue
        assert.ok(name in scripts, `${path}: npm run ${name}`)
      }
      for (const [, file = ''] of text.matchAll(/\bnode (scripts\/\S+\.mjs)/g)) {
        await assert.doesNotReject(access(join(root, file)), `${path}: ${file}`)
      }
    }
    for (const name of ['start', 'test', 'check']) assert.ok(name in scripts)
  })

  test('are those of the program', async () => {
    const { stdout } = await run(join(root, 'narwhal'), ['--help'])
    for (const { name } of idleProgram().commands.map((command) => ({ name: command.name() }))) {
      assert.match(stdout, new RegExp(`^  ${name}\\b`, 'm'))
    }
  })
})

/** Everything that narwhal takes, but nothing of it does anything. */
function idleProgram(): Command {
  const io = recordedIo()
  const program = createProgram(io, '0.1.0')
  for (const service of services) {
    const command = program.command(service).description('a service')
    for (const name of SERVICE_SETTINGS[service]) {
      command.option(`--${name} <${SETTINGS[name].value}>`)
    }
    if (service === 'up') command.option('--build <folder>')
    if (service === 'runner') command.option('--ephemeral')
    command.action(() => {})
  }
  addBackupCommands(program, (flags) => ({ io, root, version: '0.1.0', flags }))
  addDoctorCommand(program, (flags) => ({ io, root, version: '0.1.0', flags }))
  addImageCommands(program, (flags) => ({ io, root, version: '0.1.0', flags }))
  addFileCommands(program, io)
  addLocalCommand(program, (flags) => ({ io, root, version: '0.1.0', flags }))
  addClientCommands(program, io)
  const silence = (command: Command): void => {
    // `runner token` does something itself, and has commands of its own besides.
    const isGroup = command.commands.length > 0 && command.options.length === 0
    if (!isGroup && command !== program) command.action(() => {})
    for (const child of command.commands) silence(child)
  }
  silence(program)
  return program
}

/** The words of a shell command, without quotes. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? '',
  )
}

/** Whether the words begin with the name of a command, down to one without further commands. */
function names(command: Command, [first, ...rest]: readonly string[]): boolean {
  if (first === undefined || command.commands.length === 0) return true
  const child = command.commands.find((one) => one.name() === first)
  if (child) return names(child, rest)
  // The service `runner` has commands of its own beside its options.
  return first.startsWith('-') && (services as string[]).includes(command.name())
}

describe('settings', () => {
  test('of the services stand in the manual, each with its default and its meaning', () => {
    const rows = [...find('docs/manual/settings.md').prose.matchAll(/^\| `--.*$/gm)].map(
      ([row]) => row,
    )
    assert.equal(rows.length, settings.length)
    for (const [index, name] of settings.entries()) {
      const { value, help, fallback }: { value: string; help: string; fallback?: string } =
        SETTINGS[name]
      const users = services.filter((one) => isSettingOf(one, name))
      const [flag, of, unless, meaning] = (rows[index] ?? '').slice(2, -2).split(' | ')
      assert.equal(flag, `\`--${name} <${value}>\`<br>\`${variableOf(name)}\``)
      assert.equal(of, users.length === services.length ? 'all' : users.join(', '), name)
      assert.equal(meaning, help)
      const told = fallback !== undefined && !OF_THE_MACHINE.includes(name)
      if (told) assert.equal(unless, fallback === '' ? 'none' : `\`${fallback}\``, name)
      else assert.ok(unless, name)
    }
  })

  test('that a document names exist', () => {
    const known = new Set(settings.map(variableOf))
    // The variables of a client, and of a job's steps, are no settings.
    const others = [...find('docs/manual/narwhal-yml.md').prose.matchAll(/`(NARWHAL_\w+)`/g)]
    const client = ['NARWHAL_SERVER', 'NARWHAL_CA', 'NARWHAL_CERT', 'NARWHAL_KEY']
    const allowed = new Set([...known, ...client, ...others.map(([, name = '']) => name)])
    // Nor are those of the tests and benchmarks, which name the services to use.
    for (const service of ['POSTGRES', 'RABBITMQ', 'DOCKER', 'IMAGE']) {
      allowed.add(`NARWHAL_TEST_${service}`)
    }
    for (const { path, text } of documents) {
      for (const [name] of text.matchAll(/\bNARWHAL_[A-Z_]*[A-Z]\b/g)) {
        // What an example's own matrix, inputs, parameters or tokens make of their names.
        if (/^NARWHAL_(?:MATRIX|INPUT|PARAM|ID_TOKEN_FILE)_/.test(name)) continue
        assert.ok(allowed.has(name.replace(/_FILE$/, '')), `${path}: ${name}`)
      }
    }
  })
})

function isSettingOf(service: ServiceName, name: SettingName): boolean {
  return (SERVICE_SETTINGS[service] as readonly SettingName[]).includes(name)
}

test('every dependency has a reason among the decisions', async () => {
  const decisions = documents.filter(({ path }) => path.startsWith('docs/adr/'))
  const text = decisions.map((decision) => decision.text).join('\n')
  const { dependencies = {}, devDependencies = {} } = await readPackage()
  for (const name of [...Object.keys(dependencies), ...Object.keys(devDependencies)]) {
    const isNamed = text.includes(`\`${name}\``) || name.startsWith('@types/')
    assert.ok(isNamed, `${name} stands in no docs/adr/*.md`)
  }
})

test('every decision has its context, the decision and its consequences', () => {
  for (const { path, text } of documents) {
    if (!/^docs\/adr\/\d{4}-/.test(path)) continue
    assert.match(
      text,
      /^# \d+\. .+\n\n\*\*Context\.\*\*[^]+\n\n\*\*Decision\.\*\*[^]+\n\n\*\*Consequences\.\*\*/,
      path,
    )
  }
})

test('the changelog tells what is unreleased', () => {
  assert.match(find('CHANGELOG.md').text, /^## Unreleased$/m)
})

test('the licence is the one that package.json names', async () => {
  const { license } = JSON.parse(await read('package.json')) as { license: string }
  assert.equal(license, 'Apache-2.0')
  assert.match(await read('LICENSE'), /^\s+Apache License\n\s+Version 2\.0, January 2004\n/)
})
