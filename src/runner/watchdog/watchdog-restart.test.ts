import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { eventually } from '../../../test/support/eventually.ts'
import { recordedLog } from '../../../test/support/recorded-log.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import type { SandboxHandle } from '../executor/executor.ts'
import { startWatchdog, type WatchdogOptions } from './watchdog.ts'

const handle: SandboxHandle = { kind: 'processes', mark: 'nobody' }

/** A watchdog whose process is this program; `note` in it keeps a line for `notes`, after its pid. */
async function stage(program: string, options: Partial<WatchdogOptions> = {}) {
  const stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const file = dir.join('notes')
  const note = `(text) => appendFileSync(${JSON.stringify(file)}, process.pid + ' ' + text + '\\n')`
  const code = `import { appendFileSync } from 'node:fs'\nconst note = ${note}\n${program}`
  await writeFile(dir.join('entry.mjs'), code)
  const { log, lines } = recordedLog()
  const entry = pathToFileURL(dir.join('entry.mjs'))
  const watchdog = stack.use(startWatchdog({ log, entry, ...options }))
  const notes = async () => {
    const text = await readFile(file, 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => ({ pid: Number(line.split(' ')[0]), text: line.slice(line.indexOf(' ') + 1) }))
  }
  const said = () => lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
  return { watchdog, notes, said, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

test('another watchdog is told what there is, and not what was', async () => {
  const program = `
    let rest = ''
    process.stdin.on('data', (data) => {
      const lines = (rest + data).split('\\n')
      rest = lines.pop()
      for (const line of lines) note(line)
    })`
  await using at = await stage(program)
  const one = at.watchdog.watch('one', handle)
  const two = at.watchdog.watch('two', handle)
  one.endAt(1e9)
  two.endAt(1e9)
  one.release()
  one.endAt(2e9)
  const [first] = await eventually(async () => {
    const notes = await at.notes()
    return notes.some(({ text }) => text.includes('release')) && notes
  })
  assert.ok(first)
  process.kill(first.pid, 'SIGKILL')
  const second = await eventually(async () => {
    const notes = (await at.notes()).filter(({ pid }) => pid !== first.pid)
    return notes.length >= 2 && notes
  })
  const [watch, until] = second.map(({ text }) => JSON.parse(text) as Record<string, unknown>)
  assert.deepEqual(watch, { type: 'watch', id: 2, name: 'two', handle })
  assert.deepEqual({ ...until, atMs: 0 }, { type: 'until', id: 2, atMs: 0 })
  assert.ok(Number(until?.['atMs']) > performance.now())
  assert.deepEqual(at.said(), ['watchdog ended: restarting it'])
})

test('watchdogs that all end at once are given up, until the next sandbox comes', async () => {
  await using at = await stage(`note('here')\nprocess.exit(1)`, { mostFailures: 2 })
  at.watchdog.watch('one', handle)
  await eventually(() => at.said().some((words) => words.startsWith('watchdog given up')))
  assert.equal((await at.notes()).length, 3)
  at.watchdog.watch('two', handle)
  await eventually(async () => (await at.notes()).length > 3)
})

test('a watchdog that hears nothing is replaced', async () => {
  await using at = await stage(`note('here')\nsetInterval(() => {}, 1000)`)
  const one = at.watchdog.watch('one', handle)
  await eventually(async () => {
    for (let line = 0; line < 1_000; line++) one.endAt(1e9)
    return new Set((await at.notes()).map(({ pid }) => pid)).size > 1
  })
  for (const { pid } of await at.notes()) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // The first has been replaced.
    }
  }
})
