import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { after, test } from 'node:test'
import { eventually } from '../../../test/support/eventually.ts'
import { freeNetworks } from '../../../test/support/free-networks.ts'
import { importTestImage, withoutContainers } from '../../../test/support/imported-image.ts'
import { testImage, testService, uniquePrefix } from '../../../test/support/services.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { CONTAINER_IDS } from '../../core/container-ids.ts'
import { silentLog } from '../../lib/log.ts'
import { removeFolder } from '../../lib/remove-folder.ts'
import { parseEngineAddress } from '../executor/docker/engine/docker-address.ts'
import { DockerApi } from '../executor/docker/engine/docker-api.ts'
import { BubblewrapExecutor } from '../executor/local/bubblewrap.ts'
import { partsOf } from '../executor/oci/oci-stage.fixture.ts'
import { type ExecutorConfig, openExecutor } from '../executor/open-executor.ts'
import type { BeatingRunner } from './beating-runner.fixture.ts'

const docker = testService('docker')
const bubblewrap = await new BubblewrapExecutor({
  instance: uniquePrefix(),
  networks: freeNetworks(),
  hide: [],
}).probe()
const noContainers = await withoutContainers()
/** With the test image, for all tests. */
const images = await mkdtemp(join(tmpdir(), 'narwhal-images-'))
after(() => removeFolder(images))
if (noContainers === false) await importTestImage(images)

const KINDS = [
  { kind: 'docker', skip: docker.skip },
  { kind: 'oci', skip: noContainers },
  { kind: 'bubblewrap', skip: bubblewrap || false },
  { kind: 'process', skip: false },
] as const

interface Runner extends AsyncDisposable {
  readonly told: BeatingRunner
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly said: () => string
  readonly errors: () => string
  /** Resolves once both processes of the step have beaten again. */
  untilBeating(): Promise<void>
  /** Resolves once nothing has beaten for a time in which it would have beaten often. */
  untilStill(): Promise<void>
  watchdogs(): Promise<readonly number[]>
  /** The containers of this runner that its watchdog removes. */
  containers(): Promise<readonly string[]>
  /** What is left of this runner's sandboxes on the machine, after all. */
  left(): Promise<readonly string[]>
}

type Kind = (typeof KINDS)[number]['kind']

function executorOf(kind: Kind): ExecutorConfig {
  if (kind === 'docker') return { kind, host: docker.url }
  if (kind !== 'oci') return { kind }
  const ids = process.getuid?.() === 0 ? CONTAINER_IDS : { ...CONTAINER_IDS, first: 0 }
  return { kind, oci: { dataDir: images, env: {}, imageBytes: 2 ** 40, ids } }
}

/** The pids of the watchdogs whose parent is this process, or which have lost it. */
async function watchdogsOf(parents: readonly number[]): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
      const parent = Number(/^PPid:\t(\d+)$/m.exec(status)?.[1])
      return command.includes('watchdog-process') && parents.includes(parent)
    }),
  )
  return pids.filter((_, index) => found[index]).map(Number)
}

/** Starts the next process of a runner, as far as its executor, and ends it. */
async function openNext({ executor, instance, folder }: BeatingRunner): Promise<void> {
  const deps = { log: silentLog(), instance, folder, networks: freeNetworks(), hide: [] }
  await using _next = await openExecutor(executor, deps)
}

async function start(kind: Kind): Promise<Runner> {
  await using opening = new AsyncDisposableStack()
  const dir = opening.use(await tempDir())
  const workspace = dir.join('workspace')
  await mkdir(workspace)
  const told: BeatingRunner = {
    executor: executorOf(kind),
    instance: uniquePrefix(),
    ...(kind === 'docker' || kind === 'oci' ? { image: testImage() } : {}),
    workspace,
    folder: dir.join('sandboxes'),
  }
  const containers = async () => {
    if (kind !== 'docker') return []
    const api = new DockerApi(parseEngineAddress(docker.url))
    return api.listContainers('narwhal.runner', told.instance)
  }
  const left = async () =>
    kind === 'oci' ? await partsOf(told.folder, told.instance) : await containers()
  // What a killed one leaves is removed by the next.
  if (kind === 'oci') opening.defer(() => openNext(told))
  const fixture = join(import.meta.dirname, 'beating-runner.fixture.ts')
  const child = spawn(process.execPath, [fixture, JSON.stringify(told)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  opening.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  let said = ''
  let errors = ''
  child.stdout.on('data', (text) => void (said += text))
  child.stderr.on('data', (text) => void (errors += text))
  const beats = async () => {
    const files = ['beats-1', 'beats-2'].map((name) => stat(join(workspace, name)))
    return (await Promise.all(files)).map(({ size }) => size)
  }
  const untilBeating = async () => {
    const before = await beats().catch(() => [0, 0])
    await eventually(async () => (await beats()).every((size, at) => size > (before[at] ?? 0)), {
      timeoutMs: 30_000,
      message: `beats of ${kind}: ${said}${errors}`,
    })
  }
  const untilStill = async () => {
    let last = await beats()
    let since = performance.now()
    await eventually(
      async () => {
        const now = await beats()
        if (now.join() !== last.join()) since = performance.now()
        last = now
        return performance.now() - since > 500
      },
      { timeoutMs: 20_000, message: `the end of all beats of ${kind}: ${errors}` },
    )
  }
  const stack = opening.move()
  return {
    told,
    child,
    said: () => said,
    errors: () => errors,
    untilBeating,
    untilStill,
    watchdogs: () => watchdogsOf([child.pid ?? 0]),
    containers,
    left,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function isGone(pid: number): Promise<boolean> {
  return readFile(`/proc/${pid}/stat`, 'utf8').then(
    (text) => text.includes(') Z '),
    () => true,
  )
}

/** The one watchdog of a runner, once it is there. */
async function watchdogOf(runner: Runner): Promise<number> {
  return eventually(async () => {
    const [pid, ...more] = await runner.watchdogs()
    return pid !== undefined && more.length === 0 && pid
  })
}

async function says(runner: Runner, words: RegExp): Promise<void> {
  await eventually(() => assert.match(runner.errors(), words))
}

for (const { kind, skip } of KINDS) {
  const options = { skip, timeout: 60_000 }

  test(`${kind}: nothing runs on when the runner is killed`, options, async () => {
    await using runner = await start(kind)
    await runner.untilBeating()
    const watchdog = await watchdogOf(runner)
    runner.child.kill('SIGKILL')
    await runner.untilStill()
    await eventually(async () => (await runner.containers()).length === 0)
    await eventually(() => isGone(watchdog))
    await says(runner, /ended the sandbox of job_beating\/1: its runner has ended/)
  })

  test(`${kind}: nothing runs past its moment when the runner is stopped`, options, async () => {
    await using runner = await start(kind)
    await runner.untilBeating()
    const watchdog = await watchdogOf(runner)
    runner.child.stdin.write('2000')
    await eventually(() => runner.said().includes('kept'))
    runner.child.kill('SIGSTOP')
    await runner.untilStill()
    await eventually(async () => (await runner.containers()).length === 0)
    await says(
      runner,
      /ended the sandbox of job_beating\/1: its runner did not renew its lease in time/,
    )
    runner.child.kill('SIGCONT')
    await once(runner.child, 'exit')
    await eventually(() => isGone(watchdog))
    assert.match(runner.said(), /NarwhalError: the lease of the sandbox was not renewed in time/)
  })

  test(`${kind}: a watchdog that was killed is replaced`, options, async () => {
    await using runner = await start(kind)
    await runner.untilBeating()
    const first = await watchdogOf(runner)
    process.kill(first, 'SIGKILL')
    await eventually(() => isGone(first))
    const second = await eventually(async () => {
      const [pid] = (await runner.watchdogs()).filter((one) => one !== first)
      return pid !== undefined && pid
    })
    await runner.untilBeating()
    runner.child.kill('SIGKILL')
    await runner.untilStill()
    await eventually(async () => (await runner.containers()).length === 0)
    await eventually(() => isGone(second))
  })

  test(
    `${kind}: what outlived its runner and watchdog ends at the next start`,
    options,
    async () => {
      await using runner = await start(kind)
      await runner.untilBeating()
      const watchdog = await watchdogOf(runner)
      // So that it can't be quicker.
      process.kill(watchdog, 'SIGSTOP')
      runner.child.kill('SIGKILL')
      await once(runner.child, 'exit')
      process.kill(watchdog, 'SIGKILL')
      await openNext(runner.told)
      await runner.untilStill()
      assert.deepEqual(await runner.left(), [])
    },
  )

  test(`${kind}: a runner that ends leaves no watchdog, which says nothing`, options, async () => {
    await using runner = await start(kind)
    await runner.untilBeating()
    const watchdog = await watchdogOf(runner)
    await eventually(() => handlesSignals(watchdog))
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(watchdog, signal)
    runner.child.stdin.end()
    const [code] = (await once(runner.child, 'exit')) as [number]
    assert.equal(code, 0, runner.errors())
    assert.ok(await isGone(watchdog))
    assert.equal(runner.errors().includes('watchdog'), false, runner.errors())
  })
}

/** Whether a process ignores or handles SIGHUP, SIGINT and SIGTERM: one that has just started doesn't yet. */
async function handlesSignals(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const masks = [...status.matchAll(/^Sig(?:Ign|Cgt):\s+(\w+)$/gm)]
  const handled = masks.reduce((all, [, mask = '0']) => all | BigInt(`0x${mask}`), 0n)
  return [1n, 2n, 15n].every((signal) => (handled & (1n << (signal - 1n))) !== 0n)
}
