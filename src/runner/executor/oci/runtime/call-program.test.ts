import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { type Call, callProgram, resultsIn } from './call-program.ts'

const run = promisify(execFile)

async function results(
  machine: 'x64' | 'arm64',
  calls: readonly Call[],
  through: readonly string[] = [],
) {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'narwhal-calls-'))
  const file = join(dir.path, 'calls')
  await writeFile(file, callProgram(machine, calls), { mode: 0o755 })
  const [program = file, ...args] = [...through, file] as readonly string[]
  const running = run(program, args, { encoding: 'buffer' })
  running.child.stdin?.end()
  return resultsIn((await running).stdout)
}

const NUMBERS = { x64: { getuid: 102, close: 3 }, arm64: { getuid: 174, close: 57 } }

for (const machine of ['x64', 'arm64'] as const) {
  test(`tells the results of system calls on ${machine}`, async (t) => {
    const emulator = machine === process.arch ? [] : ['qemu-aarch64-static']
    if (machine === 'x64' && process.arch !== 'x64') return t.skip('another processor')
    if (emulator[0] && !(await run(emulator[0], ['--version']).catch(() => undefined))) {
      return t.skip('no emulator')
    }
    const { getuid, close } = NUMBERS[machine]
    const calls = [{ number: getuid }, { number: close, argument: 99_999 }, { number: 9_999 }]
    assert.deepEqual(await results(machine, calls, emulator), [process.getuid?.(), -9, -38])
  })
}

test('makes calls of 32-bit programs', { skip: process.arch !== 'x64' }, async () => {
  const calls = [
    { number: 199, as32: true },
    { number: 6, argument: 99_999, as32: true },
    { number: 102 },
  ] as const
  assert.deepEqual(await results('x64', calls), [process.getuid?.(), -9, process.getuid?.()])
})
