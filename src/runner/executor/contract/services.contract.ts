import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { eventually } from '../../../../test/support/eventually.ts'
import { uniquePrefix } from '../../../../test/support/services.ts'
import { type TempDir, tempDir } from '../../../../test/support/temp-dir.ts'
import type { ServiceSpec } from '../../../core/plan/plan.ts'
import type { Executor, SandboxSpec } from '../executor.ts'
import { folderWorkspace } from '../workspace.ts'
import { MIB, NOTHING, run } from './contract-fixture.ts'

export interface ServicesOptions {
  readonly skip: string | false
  /** Of BusyBox. */
  readonly image: string
  /** The same image, which says that it exposes 8080. */
  readonly exposing: () => Promise<string>
  /** The same, with a HEALTHCHECK, each second, four times: whether there is a file `/ready`. */
  readonly checked: () => Promise<string>
  readonly open: (instance: string) => Executor
  /** How much there is of a runner whose jobs are over; it must be nothing. */
  readonly left: (instance: string) => Promise<number>
}

/** A service that runs a script. */
export function scriptService(
  image: string,
  name: string,
  script: string,
  more: Partial<ServiceSpec> = {},
): ServiceSpec {
  return { name, image, env: {}, command: ['sh', '-c', script], ...more }
}

/** Serves a page that says the service's name. */
export const WEB = 'mkdir /www; echo served by $NAME >/www/x; exec httpd -f -p 8080 -h /www'

/** A job with a workspace of its own; what its services do is heard. */
export async function specWithServices(dir: TempDir, image: string, more: Partial<SandboxSpec>) {
  const workspace = dir.join(uniquePrefix('workspace-'))
  await mkdir(workspace)
  const heard: string[] = []
  const limits = { memoryBytes: 64 * MIB, cpus: 0.5, processes: 64 }
  const spec: SandboxSpec = {
    name: 'job_services/1',
    image,
    workspace: folderWorkspace(workspace),
    limits,
    isStranger: false,
    onService: (index, event) => {
      const { type } = event
      if (type === 'output')
        heard.push(`${index} ${event.stream} ${Buffer.from(event.chunk).toString()}`)
      else heard.push(`${index} ${type}`)
    },
    ...more,
  }
  return { spec, heard }
}

/** What holds for the services of a job in every executor that has containers. */
export function servicesContract(name: string, options: ServicesOptions): void {
  const { image, open, skip, left } = options
  const service = (of: string, script: string, more: Partial<ServiceSpec> = {}) =>
    scriptService(image, of, script, more)

  test(`${name}: steps of all images reach services by their names, and no other job does`, {
    skip,
  }, async () => {
    await using dir = await tempDir()
    const instance = uniquePrefix()
    await using executor = open(instance)
    const ready = { ports: [8080], timeoutMs: 60_000 }
    const web = service('web', `echo starting; sleep 0.3; ${WEB}`, { env: { NAME: 'web' }, ready })
    const check = 'echo not yet >&2; wget -qO- http://web:8080/x'
    const command = { command: check, timeoutMs: 60_000 }
    const other = service('other', 'exec sleep 1000', { ready: command })
    const wanted = { services: [web, other], network: 'none' } as const
    const { spec, heard } = await specWithServices(dir, image, wanted)
    // Another name of the same image.
    const images = [image.replace(/:latest$/, '')]
    await using box = await executor.open({ ...spec, images }, NOTHING)
    assert.deepEqual(heard.filter((words) => words.endsWith('started')).sort(), [
      '0 started',
      '1 started',
    ])
    await eventually(() => heard.includes('0 stdout starting\n'))
    const fetched = 'wget -qO- http://web:8080/x'
    assert.equal((await run(box, fetched)).stdout, 'served by web\n')
    // An unknown name is answered at once, not left to time out.
    const unknown = await run(box, 'timeout -s KILL 4 nslookup nobody')
    assert.ok(unknown.exitCode < 2, String(unknown.exitCode))
    // No route out of the network of a job without one.
    const gateway = `$(ip route | sed -n 's/^default via \\([0-9.]*\\).*/\\1/p')`
    assert.notEqual((await run(box, `ping -c 1 -W 1 "${gateway}"`)).exitCode, 0)
    const step = { script: `${fetched}; pwd; hostname`, env: {}, image: images[0] ?? '' }
    let said = ''
    const exit = await box.run(step, (_, chunk) => void (said += Buffer.from(chunk)), NOTHING)
    assert.deepEqual([exit.exitCode, said], [0, 'served by web\n/workspace\nnarwhal\n'])
    const alone = await specWithServices(dir, image, { name: 'job_alone/1' })
    await using stranger = await executor.open(alone.spec, NOTHING)
    assert.notEqual((await run(stranger, fetched)).exitCode, 0)
    await box[Symbol.asyncDispose]()
    await stranger[Symbol.asyncDispose]()
    assert.equal(await left(instance), 0)
  })

  test(`${name}: says why a service is not ready, with its last output`, { skip }, async () => {
    await using dir = await tempDir()
    const instance = uniquePrefix()
    await using executor = open(instance)
    const refused = async (services: readonly ServiceSpec[], words: RegExp, code = 'invalid') => {
      const { spec, heard } = await specWithServices(dir, image, { services })
      await assert.rejects(executor.open(spec, NOTHING), (error: Error & { code: string }) => {
        assert.match(error.message, words)
        assert.equal(error.code, code)
        return true
      })
      return heard
    }
    const ports = { ports: [5432], timeoutMs: 60_000 }
    const dies = service('db', 'echo one; echo no disk >&2; exit 3', { ready: ports })
    const heard = await refused(
      [dies],
      /^service db ended with exit code 3 before it was ready; its last output: (one \| no disk|no disk \| one)$/,
    )
    assert.ok(heard.includes('0 failed'))
    const never = { command: 'echo asleep; exit 2', timeoutMs: 1_000 }
    await refused(
      [service('db', 'echo tired; exec sleep 1000', { ready: never })],
      /^service db was not ready within 1 s \(the last try ended with exit code 2: asleep\); its last output: tired$/,
    )
    await refused(
      // On its own loopback nobody can reach it.
      [
        service('web', 'exec httpd -f -p 127.0.0.1:5432', {
          ready: { ...ports, timeoutMs: 1_000 },
        }),
      ],
      /^service web was not ready within 1 s \(it does not listen on 5432\)/,
    )
    await refused(
      [service('db', '', { command: ['/no/such'], ready: ports })],
      /^service db can't be started: .*\/no\/such/,
    )
    await refused([service('db', '', { image: '127.0.0.1:1/x:1' })], /can't be pulled/, 'not_found')
    assert.equal(await left(instance), 0)
  })

  test(`${name}: steps wait for the HEALTHCHECK of a service's image, and for a port that it exposes`, {
    skip,
  }, async () => {
    await using dir = await tempDir()
    const instance = uniquePrefix()
    await using executor = open(instance)
    const checked = await options.checked()
    const slow = service('slow', 'sleep 1.2; echo made it; touch /ready; exec sleep 1000', {
      image: checked,
    })
    const ready = { command: 'echo own; exit 0', timeoutMs: 60_000 }
    const own = service('own', 'exec sleep 1000', { image: checked, ready })
    const web = service('web', `sleep 1; ${WEB}`, {
      image: await options.exposing(),
      env: { NAME: 'web' },
    })
    const wanted = { services: [slow, own, web], network: 'none' } as const
    const { spec, heard } = await specWithServices(dir, image, wanted)
    await using box = await executor.open(spec, NOTHING)
    assert.ok(heard.includes('0 stdout made it\n'), heard.join())
    assert.equal((await run(box, 'wget -qO- http://web:8080/x')).stdout, 'served by web\n')
    await box[Symbol.asyncDispose]()

    const never = service('db', 'echo no disk; exec sleep 1000', { image: checked })
    const other = await specWithServices(dir, image, { services: [never] })
    await assert.rejects(
      executor.open(other.spec, NOTHING),
      /^NarwhalError: service db is not healthy: its image's HEALTHCHECK has failed 4 times in a row \(exit code 1\); its last output: no disk$/,
    )
    const dies = service('db', 'sleep 0.3; exit 3', { image: checked })
    const third = await specWithServices(dir, image, { services: [dies] })
    await assert.rejects(
      executor.open(third.spec, NOTHING),
      /service db ended with exit code 3 before it was ready/,
    )
    assert.equal(await left(instance), 0)
  })

  test(`${name}: reports that a service has ended by itself, and continues`, { skip }, async () => {
    await using dir = await tempDir()
    await using executor = open(uniquePrefix())
    const services = [service('short', 'echo once; exit 4')]
    const { spec, heard } = await specWithServices(dir, image, { services })
    await using box = await executor.open(spec, NOTHING)
    await eventually(() => heard.at(-1) === '0 ended')
    assert.deepEqual(heard, ['0 started', '0 stdout once\n', '0 ended'])
    assert.equal((await run(box, 'echo on')).stdout, 'on\n')
  })

  test(`${name}: pauses services with their job`, { skip }, async () => {
    await using dir = await tempDir()
    await using executor = open(uniquePrefix())
    const script = 'i=0; while :; do i=$((i + 1)); echo $i; sleep 0.02; done'
    const services = [service('clock', script)]
    const { spec, heard } = await specWithServices(dir, image, { services })
    await using box = await executor.open(spec, NOTHING)
    await eventually(() => heard.length > 3)
    await box.pause()
    // Output that it has written may still be in flight.
    const settled = await eventually(async () => {
      const before = heard.length
      const until = performance.now() + 150
      await eventually(() => performance.now() > until)
      return heard.length === before ? before : null
    })
    assert.equal(heard.length, settled)
    await box.resume()
    await eventually(() => heard.length > settled)
  })
}
