import { execFile } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { CONTAINER_IDS } from '../../src/core/container-ids.ts'
import { findRuntime } from '../../src/runner/executor/oci/runtime/find-runtime.ts'
import { openImages } from '../../src/runner/images/open-images.ts'
import { layOut } from '../../test/support/services/docker-image.ts'
import { findProgram } from '../../test/support/services/programs.ts'
import { testService } from '../../test/support/services.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { Bench } from '../bench.ts'
import { openExecutorWay } from '../containers/executor-way.ts'
import { bareContainer, describeEngine } from '../support/bare-container.ts'
import { machineLine } from '../support/machine.ts'
import { benchServices } from '../support/services.ts'
import { spreadOf, tenths } from '../support/statistics.ts'
import { formatTable } from '../support/table.ts'
import { makeBigImage } from './big-image.ts'
import { serveRegistry } from './serve-registry.ts'

const run = promisify(execFile)
const LAYERS = 4
const COMMAND = ['echo', 'hello'] as const

/** From nothing to the end of the first step in an image that has to be pulled: Docker and Narwhal in turn. */
export const pull: Bench = {
  name: 'pull',
  summary: 'a large image from a registry to the first step, against docker; --runs N, --mb N',
  run: async ({ say, signal, args }) => {
    const options = {
      runs: { type: 'string', default: '3' },
      mb: { type: 'string', default: '1000' },
    } as const
    const { values } = parseArgs({ args: [...args], options })
    const [runs, mb] = [Number(values.runs), Number(values.mb)]
    if (!(Number.isInteger(runs) && runs >= 1 && runs <= 100)) throw new Error('--runs: 1 to 100')
    if (!(Number.isInteger(mb) && mb >= 4 && mb <= 4000)) throw new Error('--mb: 4 to 4000')
    if (process.getuid?.() !== 0) throw new Error('networks of jobs and user namespaces need root')
    await using stack = new AsyncDisposableStack()
    say('services:')
    stack.use(await benchServices(say, signal))
    const { url: engine, skip } = testService('docker')
    const docker = findProgram('docker')
    if (skip !== false || !docker)
      throw new Error(`nothing to compare with: ${skip || 'no docker'}`)
    const folder = stack.use(await tempDir('narwhal-bench-')).path
    const registry = stack.use(await serveRegistry(folder))
    const image = `${registry.host}/big:1`
    say(`making an image of ${mb} MB in ${LAYERS} layers`)
    const about = await pushBigImage(folder, image, mb * 1_000_000)
    const env = { PATH: process.env['PATH'], HOME: folder, DOCKER_HOST: engine }
    const bare = bareContainer({ engine, image, command: COMMAND })
    const byDocker = async (): Promise<number> => {
      const startedAt = performance.now()
      await run(docker, ['pull', '--quiet', image], { env, signal })
      await bare.measure('default', signal)
      const ms = performance.now() - startedAt
      await run(docker, ['rmi', '--force', image], { env })
      return ms
    }
    const byNarwhal = await narwhalPulls(folder, image)
    const times = { docker: [] as number[], narwhal: [] as number[] }
    say(`measuring: ${runs} rounds`)
    for (let round = 1; round <= runs; round++) {
      for (const [name, measure] of [
        ['docker', byDocker],
        ['narwhal', byNarwhal],
      ] as const) {
        // What the one has left to write would slow the other down.
        await run('sync')
        signal.throwIfAborted()
        times[name].push(await measure())
      }
      say(`${round}: ${inSeconds(times.docker.at(-1))}, ${inSeconds(times.narwhal.at(-1))}`)
    }
    const [first, ours] = [spreadOf(times.docker).p50, spreadOf(times.narwhal).p50]
    say(machineLine([await describeEngine(engine)]))
    const columns = [
      { title: `${about.files} files, ${(about.bytes / 1_000_000).toFixed(0)} MB`, holds: 'words' },
      { title: 'p50 (s)', holds: 'figures' },
      { title: '÷ docker', holds: 'figures' },
    ] as const
    const row = (name: string, ms: number) => [name, inSeconds(ms), (ms / first).toFixed(2)]
    const rows = [row('docker pull, docker run', first), row('Narwhal oci:', ours)]
    for (const line of formatTable(columns, rows)) say(line)
    const pull_ratio = Math.round((ours / first) * 100) / 100
    return { docker_p50_ms: tenths(first), narwhal_p50_ms: tenths(ours), pull_ratio }
  },
}

async function pushBigImage(folder: string, image: string, bytes: number) {
  const [base, layout] = [join(folder, 'base'), join(folder, 'layout')]
  await layOut(base, findProgram('busybox') ?? '')
  const tar = ['--create', '--owner=0', '--group=0', '--directory', base, '.']
  const { stdout } = await run('tar', tar, { encoding: 'buffer', maxBuffer: 2 ** 26 })
  const options = { base: stdout, layers: LAYERS, layerBytes: bytes / LAYERS }
  const about = await makeBigImage(layout, options)
  const tls = '--dest-tls-verify=false'
  await run('skopeo', ['--insecure-policy', 'copy', tls, `oci:${layout}`, `docker://${image}`])
  await rm(layout, { recursive: true })
  return about
}

/** Each time into an empty store. */
async function narwhalPulls(folder: string, image: string): Promise<() => Promise<number>> {
  const trials = join(folder, 'trials')
  await mkdir(trials)
  const found = await findRuntime({ folder: trials, firstId: CONTAINER_IDS.first })
  if (typeof found === 'string') throw new Error(found)
  let count = 0
  return async () => {
    const place = join(folder, `narwhal-${count++}`)
    await mkdir(place)
    const env = { HOME: folder }
    const options = { dataDir: join(place, 'data'), isRoot: true, ids: CONTAINER_IDS, env }
    const opened = await openImages({ ...options, mostBytes: 2 ** 40 })
    const way = await openExecutorWay(found, { images: opened.images, image, folder: place })
    const ms = await way.cold()
    await way[Symbol.asyncDispose]()
    await opened[Symbol.asyncDispose]()
    await rm(place, { recursive: true, force: true })
    return ms
  }
}

function inSeconds(ms = 0): string {
  return (ms / 1000).toFixed(1)
}
