import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '../../../../../test/support/temp-dir.ts'
import {
  type Dropped,
  KEPT_BY_GAINING_STEPS,
  KEPT_BY_STEPS,
  KEPT_IN_BACKGROUND,
  KEPT_IN_GAINING_BACKGROUND,
  launcher,
} from './launchers.ts'

const OF_STEPS: Dropped = { plain: KEPT_IN_BACKGROUND, gaining: KEPT_IN_GAINING_BACKGROUND }
const OF_BACKGROUND: Dropped = { plain: KEPT_BY_STEPS, gaining: KEPT_BY_GAINING_STEPS }
const HERE = launcher(OF_STEPS)
const isRoot = process.getuid?.() === 0
const hasSetpriv = spawnSync('setpriv', ['--version']).status === 0

async function write(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(path, bytes, { mode: 0o755 })
}

test('executes the given program with its arguments and environment', {
  skip: HERE ? false : `there is none for ${process.arch}`,
}, async () => {
  await using dir = await tempDir()
  await write(dir.join('launch'), HERE ?? Buffer.of())
  const script = 'printf "%s," "$0" "$@" "$WHO"; exit 5'
  const env = { WHO: 'me' }
  const ran = spawnSync(dir.join('launch'), ['/bin/sh', '-c', script, 'a b', ''], { env })
  assert.equal(ran.stdout.toString(), 'a b,,me,')
  assert.equal(ran.status, 5)
  assert.equal(spawnSync(dir.join('launch'), [dir.join('nothing')]).status, 126)
})

/** What `setpriv` with these options permits to a command. */
function permitted(options: readonly string[], command: readonly string[]): bigint {
  const words = [...options, ...command, 'grep', 'CapPrm', '/proc/self/status']
  const { stdout } = spawnSync('setpriv', words, { encoding: 'utf8' })
  return BigInt(`0x${stdout.trim().split('\t')[1]}`)
}

const needsRoot = HERE && isRoot && hasSetpriv ? false : 'needs root and setpriv'
const SHELL = ['/bin/sh', '-c', 'exec "$@"', 'sh']

test('drops one capability and no other, and no program that it starts regains it', {
  skip: needsRoot,
}, async () => {
  await using dir = await tempDir()
  const options = ['--no-new-privs', '--bounding-set=-setpcap']
  const all = permitted(options, [])
  for (const dropped of [OF_STEPS, OF_BACKGROUND]) {
    const { bit } = dropped.plain
    await write(dir.join(`without-${bit}`), launcher(dropped) ?? Buffer.of())
    const left = permitted(options, [dir.join(`without-${bit}`), ...SHELL])
    assert.equal(left, all & ~(1n << BigInt(bit)))
  }
})

test('bars the capability where root would regain it', { skip: needsRoot }, async () => {
  await using dir = await tempDir()
  const all = permitted([], [])
  for (const dropped of [OF_STEPS, OF_BACKGROUND]) {
    const { bit } = dropped.gaining
    await write(dir.join(`without-${bit}`), launcher(dropped) ?? Buffer.of())
    const left = permitted([], [dir.join(`without-${bit}`), ...SHELL, ...SHELL])
    assert.equal(left, all & ~(1n << BigInt(bit)))
  }
})

test('exists for the common processor architectures only', () => {
  assert.equal(launcher(OF_STEPS, 'ia32'), undefined)
  const [x64, arm64] = [launcher(OF_STEPS, 'x64'), launcher(OF_STEPS, 'arm64')]
  assert.equal(x64?.[18], 0x3e)
  assert.equal(arm64?.[18], 0xb7)
})
