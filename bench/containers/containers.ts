import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { CONTAINER_IDS } from '../../src/core/container-ids.ts'
import { parseImageReference } from '../../src/core/image-reference.ts'
import { describeError } from '../../src/lib/errors.ts'
import { useForkServer } from '../../src/lib/programs/start-program.ts'
import {
  type FoundRuntime,
  findRuntime,
} from '../../src/runner/executor/oci/runtime/find-runtime.ts'
import { openImages } from '../../src/runner/images/open-images.ts'
import { findProgram } from '../../test/support/services/programs.ts'
import { testImage, testService } from '../../test/support/services.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { Bench, BenchContext } from '../bench.ts'
import { bareContainer, describeEngine } from '../support/bare-container.ts'
import { machineLine } from '../support/machine.ts'
import { benchServices } from '../support/services.ts'
import { root } from '../support/up-process.ts'
import { type ExecutorWay, openExecutorWay } from './executor-way.ts'
import { measureContainers } from './measure-containers.ts'
import { plainRuntime } from './plain-runtime.ts'
import { containersFigures, containersTable } from './report.ts'
import { type Way, wayOf } from './way.ts'
import { openWhole } from './whole.ts'

const run = promisify(execFile)
const COMMAND = ['echo', 'hello'] as const

/** Containers of Docker, of the runtimes alone, and of Narwhal without an engine; all in turn. */
export const containers: Bench = {
  name: 'containers',
  summary: 'containers without an engine against docker run; --runs N, --burst N',
  run: async (context) => {
    const { say, signal, args } = context
    const options = {
      runs: { type: 'string', default: '15' },
      burst: { type: 'string', default: '30' },
    } as const
    const { values } = parseArgs({ args: [...args], options })
    const [runs, burst] = [Number(values.runs), Number(values.burst)]
    for (const number of [runs, burst]) {
      if (!(Number.isInteger(number) && number >= 2 && number <= 1000)) {
        throw new Error('--runs, --burst: 2 to 1000')
      }
    }
    if (process.getuid?.() !== 0) throw new Error('networks of jobs and user namespaces need root')
    await using stack = new AsyncDisposableStack()
    say('services:')
    stack.use(await benchServices(say, signal))
    const { url: engine, skip } = testService('docker')
    if (skip !== false) throw new Error(`nothing to compare with: ${skip}`)
    const folder = stack.use(await tempDir('narwhal-bench-')).path
    // As a runner does.
    stack.use(await useForkServer(join(folder, 'programs')))
    const { importInto, ...ways } = await openWays(stack, { engine, folder, context })
    const data = { up: join(folder, 'data'), run: join(folder, 'run') }
    const whole = stack.use(await openWhole({ image: testImage(), data, importInto, signal }))
    const measured = await measureContainers({ ...ways, whole, folder, runs, burst, say })
    say(machineLine([await describeEngine(engine)]))
    for (const line of containersTable(measured)) say(line)
    return containersFigures(measured)
  },
}

interface OpenWays {
  readonly engine: string
  readonly folder: string
  readonly context: BenchContext
}

/** `docker run` first: the others are compared with it. */
async function openWays(stack: AsyncDisposableStack, { engine, folder, context }: OpenWays) {
  const { say, signal } = context
  const image = testImage()
  const own = { PATH: process.env['PATH'], HOME: process.env['HOME'], DOCKER_HOST: engine }
  const importInto = async (data: string): Promise<void> => {
    const args = ['image', 'import', `docker:${image}`, image, '--data', data]
    await run(`${root}/narwhal`, args, { env: own })
  }
  await importInto(join(folder, 'data'))
  const first = CONTAINER_IDS.first
  const { images, ...opened } = await openImages({
    dataDir: join(folder, 'data'),
    isRoot: true,
    ids: CONTAINER_IDS,
    env: {},
    mostBytes: 2 ** 40,
  })
  stack.defer(() => opened[Symbol.asyncDispose]())
  const held = stack.use(await images.hold(parseImageReference(image), { signal, pull: 'never' }))
  const bare = bareContainer({ engine, image, command: COMMAND })
  const docker = (network: 'default' | 'none') =>
    wayOf(`${bare.how}${network === 'none' ? ', no network' : ''}`, async () => {
      await bare.measure(network, signal)
    })
  const ways: Way[] = [docker('default'), docker('none')]
  const executors: ExecutorWay[] = []
  for (const name of ['crun', 'runc'] as const) {
    const trials = join(folder, `runtime-${name}`)
    await mkdir(trials)
    const found: FoundRuntime | string = await findRuntime({
      names: [name],
      folder: trials,
      firstId: first,
    })
    if (typeof found === 'string') {
      say(`not measured: ${found}`)
      continue
    }
    const place = await mkdtemp(join(folder, `${name}-`))
    stack.defer(() => rm(place, { recursive: true, force: true }))
    ways.push(await plainRuntime(found, { image: held, folder: place, command: COMMAND }))
    const executor = stack.use(await openExecutorWay(found, { images, image, folder: place }))
    try {
      await executor.cold()
    } catch (error) {
      say(`not measured: ${executor.name}: ${describeError(error)}`)
      continue
    }
    ways.push(executor)
    executors.push(executor)
  }
  if (findProgram('podman')) ways.push(await podmanWay(image, engine))
  else say('not measured: podman is not installed')
  return { ways, executors, importInto }
}

/** The image is brought from the engine. */
async function podmanWay(image: string, engine: string): Promise<Way> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] }
  await run('podman', ['pull', `docker-daemon:${image}`], {
    env: { ...env, DOCKER_HOST: engine },
  })
  return wayOf('podman run --rm', async () => {
    await run('podman', ['run', '--rm', image, ...COMMAND], { env })
  })
}
