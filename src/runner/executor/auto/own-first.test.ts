import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { freeNetworks } from '#root/test/support/free-networks.ts'
import { testImage, testService, uniquePrefix } from '#root/test/support/services.ts'
import { tempDir } from '#root/test/support/temp-dir.ts'
import type { Engine } from '../../../core/placement/placement.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { silentLog } from '../../../lib/log.ts'
import type { Sandbox, SandboxSpec } from '../executor.ts'
import { FakeExecutor } from '../fake/fake.ts'
import { folderWorkspace } from '../workspace.ts'
import { AutoExecutor, type AutoExecutorOptions } from './auto.ts'
import type { OwnContainers } from './own-containers.ts'

const docker = testService('docker')
const NOTHING = new AbortController().signal
const NO_IMAGE = 'nowhere.example/none:1'

/** Stands in for containers without an engine; `trouble` says why there are none, '' that there are. */
class OwnStub extends FakeExecutor implements OwnContainers {
  readonly containers = { how: 'crun 1, with a user namespace', better: ['something: do it'] }
  readonly images = new Set<string>()
  trouble = ''
  hasUserNamespace = true
  connects = true
  probes = 0

  override async probe(): Promise<string> {
    this.probes++
    return this.trouble
  }

  override async open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    if (spec.image === NO_IMAGE) {
      throw new NarwhalError('not_found', `image ${NO_IMAGE} can't be pulled: there is none`)
    }
    return super.open(spec, signal)
  }

  async hasImage(reference: string): Promise<boolean> {
    return this.images.has(reference)
  }

  async canConnect(): Promise<boolean> {
    return this.connects
  }

  async reap(): Promise<number> {
    return 0
  }
}

type Options = Partial<Pick<AutoExecutorOptions, 'hosts' | 'strangers' | 'retryMs'>>

/** An automatic executor over the tests' engine, and what runs a job. */
async function stage({ hosts = [docker.url], ...options }: Options = {}) {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  await mkdir(dir.join('w'))
  const own = new OwnStub()
  const bubblewrap = new FakeExecutor()
  const executor = stack.use(
    new AutoExecutor({
      hosts,
      own,
      bubblewrap,
      docker: {
        instance: uniquePrefix(),
        folder: join(tmpdir(), uniquePrefix('narwhal-sandboxes-')),
        log: silentLog(),
        networks: freeNetworks(),
        runnerIsRoot: process.getuid?.() === 0,
        defaultImage: testImage(),
      },
      ...options,
    }),
  )
  const whoRuns = async (wanted: Partial<SandboxSpec>): Promise<Engine> => {
    const spec = {
      name: `job_${uniquePrefix()}/1`,
      workspace: folderWorkspace(dir.join('w')),
      limits: { memoryBytes: 64 * 1024 ** 2, cpus: 1, processes: 64 },
      isStranger: false,
      ...wanted,
    }
    await using sandbox = await executor.open(spec, NOTHING)
    if (sandbox.handle?.kind === 'container') return 'docker'
    return own.openSandboxes.length > 0 ? 'oci' : 'bubblewrap'
  }
  const owned = stack.move()
  return { own, executor, whoRuns, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const { skip } = docker

test('the runner starts the containers of jobs with an image itself, where it can', {
  skip,
}, async () => {
  await using at = await stage()
  assert.equal(await at.executor.probe(), '')
  assert.deepEqual(at.executor.engines, ['oci', 'docker', 'bubblewrap'])
  assert.deepEqual(at.executor.containers, at.own.containers)
  assert.equal(await at.whoRuns({ image: 'node:24' }), 'oci')
  assert.equal(await at.whoRuns({}), 'bubblewrap')
  assert.equal(await at.whoRuns({ isStranger: true }), 'oci')
})

test('an image that only the engine has runs there, until it is imported', { skip }, async () => {
  await using at = await stage()
  const image = testImage()
  assert.equal(await at.whoRuns({ image }), 'docker')
  assert.equal(await at.whoRuns({ images: [image] }), 'docker')
  at.own.images.add(image)
  assert.equal(await at.whoRuns({ image }), 'oci')
})

test('says how to import an image that no registry has, and nothing to strangers', {
  skip,
}, async () => {
  await using at = await stage()
  const refusal = async (isStranger: boolean) => {
    const running = at.whoRuns({ image: NO_IMAGE, isStranger })
    const error = await running.then(
      () => assert.fail(),
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof NarwhalError)
    assert.equal(error.code, 'not_found')
    return error.message
  }
  const words = `image ${NO_IMAGE} can't be pulled: there is none`
  assert.equal(
    await refusal(false),
    `${words}; an image that only the container engine at ${docker.url} has is used after \`narwhal image import docker:NAME\` on the runner's machine`,
  )
  assert.equal(await refusal(true), words)
})

test('the engine runs them where the runner can not, until it can', { skip }, async () => {
  await using at = await stage({ retryMs: 0 })
  at.own.trouble = 'neither crun nor runc is installed: apt-get install crun'
  assert.equal(await at.executor.probe(), '')
  assert.deepEqual(at.executor.engines, ['docker', 'bubblewrap'])
  assert.deepEqual(at.executor.containers, {
    how: `by the container engine at ${docker.url}`,
    better: [
      'the runner could start containers itself, several times as fast, but neither crun nor runc is installed: apt-get install crun',
    ],
  })
  assert.equal(await at.whoRuns({ image: testImage() }), 'docker')
  at.own.trouble = ''
  assert.equal(await at.whoRuns({ image: 'node:24' }), 'oci')
})

test('does not try again at once what starts containers for the try', { skip }, async () => {
  await using at = await stage({ retryMs: 3_600_000 })
  at.own.trouble = 'no'
  for (const _ of [1, 2, 3]) assert.equal(await at.executor.probe(), '')
  assert.equal(at.own.probes, 1)
})

test("a stranger's job runs only where there is a user namespace and the operator allows", {
  skip,
}, async () => {
  const isStranger = true
  const image = testImage()
  await using both = await stage()
  both.own.images.add(image)
  both.own.hasUserNamespace = false
  assert.equal(await both.whoRuns({ image, isStranger }), 'docker')
  assert.equal(await both.whoRuns({ image }), 'oci')
  await using notHere = await stage({ strangers: ['oci'] })
  notHere.own.images.add(image)
  assert.equal(await notHere.whoRuns({ image, isStranger }), 'oci')
  notHere.own.hasUserNamespace = false
  await assert.rejects(notHere.whoRuns({ image, isStranger }), {
    code: 'unavailable',
    message: /its containers have no user namespace, which a stranger's job needs/,
  })
  await using onlyThere = await stage({ strangers: ['docker'] })
  onlyThere.own.images.add(image)
  assert.equal(await onlyThere.whoRuns({ image, isStranger }), 'docker')
})

test('the engine connects jobs that the runner can not connect', { skip }, async () => {
  await using at = await stage()
  at.own.images.add(testImage())
  at.own.connects = false
  assert.equal(await at.whoRuns({ image: testImage() }), 'docker')
  await using alone = await stage({ hosts: ['unix:///nowhere/x.sock'] })
  alone.own.connects = false
  assert.equal(await alone.whoRuns({ image: 'node:24' }), 'oci')
})

test('says what is missing where nothing starts containers', async () => {
  await using at = await stage({ hosts: ['unix:///nowhere/x.sock'] })
  at.own.trouble = 'skopeo is not installed'
  assert.equal(await at.executor.probe(), '')
  assert.deepEqual(at.executor.engines, ['bubblewrap'])
  assert.deepEqual(at.executor.containers, {
    how: 'none can be started: skopeo is not installed',
    better: [],
  })
  await assert.rejects(at.whoRuns({ image: 'node:24' }), {
    code: 'unavailable',
    message:
      "image node:24 needs a container engine: the runner can't start containers itself: skopeo is not installed; and no container engine answers at unix:///nowhere/x.sock: start Docker or Podman (apt-get install docker.io), or set DOCKER_HOST",
  })
})
