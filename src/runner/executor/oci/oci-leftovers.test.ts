import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../../../test/support/eventually.ts'
import { findProcesses } from '../../../../test/support/sandbox-processes.ts'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { type TempDir, tempDir } from '../../../../test/support/temp-dir.ts'
import { NOTHING, run } from '../contract/contract-fixture.ts'
import type { KilledRunner } from './killed-runner.fixture.ts'
import {
  mountsOf,
  type OciStage,
  ociSpecIn,
  ociStages,
  partsOf,
  runFolderOf,
} from './oci-stage.fixture.ts'

const stages = await ociStages()
const SECONDS = String(800_000 + (process.pid % 100_000))

/** Each a moment at which a runner is killed: what it has said, and how long ago. */
const MOMENTS = [
  ...[0, 2, 4, 6, 8, 11, 14, 18, 24, 32, 45, 70].map((ms) => ({ word: 'opening', ms })),
  { word: 'open', ms: 0 },
  { word: 'running', ms: 0 },
  ...[0, 1, 2, 4, 8].map((ms) => ({ word: 'closing', ms })),
]

interface Killed {
  readonly dir: TempDir
  readonly instance: string
  readonly isWatched?: boolean
}

/** Starts a runner, and kills it at this moment. */
async function killAt(
  { place }: OciStage,
  { dir, instance, isWatched = false }: Killed,
  { word, ms }: (typeof MOMENTS)[number],
): Promise<void> {
  const told: KilledRunner = {
    ...place,
    instance,
    folder: dir.join('sandboxes'),
    dir: dir.path,
    seconds: SECONDS,
    isWatched,
  }
  const fixture = join(import.meta.dirname, 'killed-runner.fixture.ts')
  const child = spawn(process.execPath, [fixture, JSON.stringify(told)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  await saying(child, word)
  await sleep(ms)
  child.kill('SIGKILL')
  await ended
}

/** Resolves when it has said this; before the end of its step, its input is ended. */
async function saying(child: ChildProcess, word: string): Promise<void> {
  let said = ''
  for await (const chunk of child.stdout ?? []) {
    said += String(chunk)
    if (word === 'closing' && said.includes('running\n')) child.stdin?.end()
    if (said.includes(`${word}\n`)) return
  }
  assert.fail(`it has not said ${word}, but ${said}`)
}

for (const stage of stages) {
  const { name, skip, open } = stage

  test(`${name}: a start removes what a killed runner left at any moment, and nothing of another`, {
    skip,
    timeout: 300_000,
  }, async () => {
    await using dir = await tempDir()
    await using other = await tempDir()
    await using neighbour = open({ folder: other.join('sandboxes') })
    await using beside = await neighbour.open(await ociSpecIn(other.path), NOTHING)
    await run(beside, 'echo kept >/root/file')
    const instance = uniquePrefix()
    for (const moment of MOMENTS) {
      const words = `${moment.word} + ${moment.ms} ms`
      await killAt(stage, { dir, instance }, moment)
      await using next = open({ instance, folder: dir.join('sandboxes') })
      await next.reap()
      assert.deepEqual(await findProcesses(SECONDS), [], words)
      assert.deepEqual(await partsOf(dir.join('sandboxes'), instance), [], words)
      assert.deepEqual(await mountsOf(dir.path, instance), [], words)
      // The next job of the same name works.
      await using sandbox = await next.open(await ociSpecIn(dir.path, 'next'), NOTHING)
      assert.equal((await run(sandbox, 'echo fine')).stdout, 'fine\n', words)
    }
    assert.equal((await run(beside, 'cat /root/file')).stdout, 'kept\n')
  })

  test(`${name}: the watchdog ends a job at once when its runner is killed`, { skip }, async () => {
    await using dir = await tempDir()
    const instance = uniquePrefix()
    await killAt(stage, { dir, instance, isWatched: true }, { word: 'running', ms: 0 })
    await eventually(async () => assert.deepEqual(await findProcesses(SECONDS), []))
    await using next = open({ instance, folder: dir.join('sandboxes') })
    assert.equal(await next.reap(), 1)
    assert.deepEqual(await partsOf(dir.join('sandboxes'), instance), [])
  })

  test(`${name}: a job whose runtime's state was removed still ends clean`, { skip }, async () => {
    await using dir = await tempDir()
    const instance = uniquePrefix()
    await using executor = open({ instance, folder: dir.join('sandboxes') })
    await using sandbox = await executor.open(await ociSpecIn(dir.path), NOTHING)
    await rm(join(runFolderOf(dir.join('sandboxes'), instance), 'state'), { recursive: true })
    assert.equal((await run(sandbox, 'echo on')).stdout, 'on\n')
    await sandbox[Symbol.asyncDispose]()
    assert.deepEqual(await partsOf(dir.join('sandboxes'), instance), [])
  })
}
