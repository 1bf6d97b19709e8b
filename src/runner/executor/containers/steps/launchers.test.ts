import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '../../../../../test/support/temp-dir.ts'
import { KEPT_BY_STEPS, KEPT_IN_BACKGROUND, launcher } from './launchers.ts'

const HERE = launcher(KEPT_IN_BACKGROUND.bit)
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

test('drops one capability and no other, and no program that it starts regains it', {
  skip: HERE && isRoot && hasSetpriv ? false : 'needs root and setpriv',
}, async () => {
  await using dir = await tempDir()
  const permitted = (command: readonly string[]): bigint => {
    const words = ['--no-new-privs', ...command, 'grep', 'CapPrm', '/proc/self/status']
    const { stdout } = spawnSync('setpriv', words, { encoding: 'utf8' })
    return BigInt(`0x${stdout.trim().split('\t')[1]}`)
  }
  const all = permitted([])
  for (const { bit } of [KEPT_IN_BACKGROUND, KEPT_BY_STEPS]) {
    await write(dir.join(`without-${bit}`), launcher(bit) ?? Buffer.of())
    const shell = ['/bin/sh', '-c', 'exec "$@"', 'sh']
    assert.equal(permitted([dir.join(`without-${bit}`), ...shell]), all & ~(1n << BigInt(bit)))
  }
})

test('exists for the common processor architectures only', () => {
  assert.equal(launcher(4, 'ia32'), undefined)
  const [x64, arm64] = [launcher(4, 'x64'), launcher(4, 'arm64')]
  assert.equal(x64?.[18], 0x3e)
  assert.equal(arm64?.[18], 0xb7)
})
