import { chmod, mkdir } from 'node:fs/promises'
import { tempDir } from '../temp-dir.ts'
import { provideTestImage, startDocker } from './docker.ts'
import { installMissing } from './install.ts'
import { startPostgres } from './postgres.ts'
import { startRabbitmq } from './rabbitmq.ts'
import type { Service, StartOptions, StartService, Unavailable } from './service.ts'

interface Known {
  readonly start: StartService
  /** The programs that it needs, to be installed if missing. */
  readonly programs: readonly string[]
}

const SERVICES: Readonly<Record<string, Known>> = {
  postgres: { start: startPostgres, programs: ['initdb'] },
  rabbitmq: { start: startRabbitmq, programs: ['rabbitmq-server'] },
  docker: { start: startDocker, programs: ['dockerd', 'busybox', 'ip'] },
}

/** Programs that single tests start themselves. */
const ALSO = [
  'bwrap',
  'haproxy',
  'nginx',
  'ip',
  'nft',
  'pasta',
  'slirp4netns',
  'skopeo',
  'newuidmap',
  'zstd',
  'getfattr',
  'docker-registry',
]

/** The services that run for the tests; disposal stops them and removes their data. */
export interface RunningServices extends AsyncDisposable {
  /**
   * NARWHAL_TEST_<NAME> of available services, and NARWHAL_TEST_SKIP_<NAME> with the reason for the others.
   */
  readonly env: Readonly<Record<string, string>>
}

/**
 * Starts, concurrently, all services that the environment doesn't name already. An unavailable one is no
 * error here: the tests that need it are skipped, and say why.
 */
export async function startServices(
  say: (line: string) => void,
  signal: AbortSignal,
  options: StartOptions = {},
): Promise<RunningServices> {
  const wanted = Object.entries(SERVICES).filter(([name]) => !process.env[variable(name)])
  const programs = wanted.flatMap(([, { programs }]) => programs)
  await installMissing([...programs, ...ALSO], say, signal)
  // Separately: if the system's package of this name does not exist, the others must still be installed.
  await installMissing(['chromium'], say, signal)

  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir('narwhal-services-'))
  // PostgreSQL runs as another user.
  await chmod(dir.path, 0o755)
  const env: Record<string, string> = {}
  const starting = wanted.map(async ([name, { start }]) => {
    const startedAt = performance.now()
    await mkdir(dir.join(name))
    const service = await startOrReason(() => start(dir.join(name), signal, options))
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    if ('unavailable' in service) {
      say(`no ${name}: ${service.unavailable}`)
      env[`NARWHAL_TEST_SKIP_${name.toUpperCase()}`] = firstLine(service.unavailable)
    } else {
      say(`${service.note}, ready after ${seconds} s`)
      stack.use(service)
      Object.assign(env, service.env)
    }
  })
  await Promise.all(starting)
  const { NARWHAL_TEST_DOCKER: engine, NARWHAL_TEST_IMAGE: image } = process.env
  if (engine && !image) await provideTestImage(engine, dir.join('image'))
  signal.throwIfAborted()
  const owned = stack.move()
  return { env, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function startOrReason(
  start: () => Promise<Service | Unavailable>,
): Promise<Service | Unavailable> {
  try {
    return await start()
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) }
  }
}

function variable(name: string): string {
  return `NARWHAL_TEST_${name.toUpperCase()}`
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}
