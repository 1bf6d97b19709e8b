import { join } from 'node:path'
import type { Engine } from '../../core/placement/placement.ts'
import type { StrangerExecutor } from '../../core/placement/strangers.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import type { NetworkSource } from '../network/network-source.ts'
import type { Executor, SandboxLimits } from './executor.ts'
import type { BubblewrapExecutor } from './local/bubblewrap.ts'
import type { OciConfig } from './oci/open-oci-executor.ts'

/** Which executor a runner uses, and its surroundings. */
export interface ExecutorConfig {
  readonly kind: 'auto' | Engine
  /** `docker`: address of its engine, `unix:///path` or `tcp://host:port`; if absent, as for `auto`. */
  readonly host?: string
  /** The value of DOCKER_HOST. */
  readonly dockerHost?: string
  /** The value of XDG_RUNTIME_DIR, where a rootless Podman has its socket. */
  readonly runtimeDir?: string
  /** For jobs without an image that run in containers; `auto` has a default of its own. */
  readonly defaultImage?: string | undefined
  /** How long an aborted step may take to end, in milliseconds; by default it is killed at once. */
  readonly graceMs?: number
  /** `oci`, and `auto` where that can use it: what only it needs. */
  readonly oci?: OciConfig
  /** `auto`: what may run strangers' jobs; all by default. */
  readonly strangers?: readonly StrangerExecutor[]
  /** Containers to start ahead of jobs; none by default. */
  readonly warm?: { readonly size: number; readonly limits: SandboxLimits }
}

export interface ExecutorDeps {
  readonly log: Logger
  /** The runner's name; unique among the live runners of this machine and its engine. */
  readonly instance: string
  /**
   * A folder for the sandboxes' files on this machine, used by nobody else. If the engine has another file
   * system than this process, it must have the same path in both.
   */
  readonly folder: string
  /** Folders that jobs must not see: Narwhal's own data. */
  readonly hide: readonly string[]
  /** Networks of the jobs; disposed of by the caller, after the executor. */
  readonly networks: NetworkSource
}

const DOCKER_SOCKET = 'unix:///var/run/docker.sock'
const PODMAN_SOCKET = 'unix:///run/podman/podman.sock'
const DEFAULT_IMAGE = 'debian:stable-slim'

/**
 * Opens the executor of a runner and removes what a previous process of the runner left behind; only the code
 * of that executor is loaded. Resolves even if no sandbox can be opened yet (`probe` says why); rejects with
 * `invalid` for an invalid configuration.
 */
export async function openExecutor(config: ExecutorConfig, deps: ExecutorDeps): Promise<Executor> {
  const { log, instance, networks } = deps
  // It takes a while, and the first job needs it; that of an engine once it answers.
  if (['bubblewrap', 'auto', 'oci'].includes(config.kind)) void networks.get()
  switch (config.kind) {
    case 'docker': {
      const { DockerExecutor } = await import('./docker/docker-executor.ts')
      const options = { ...dockerOptions(config, deps), host: engineHosts(config)[0] }
      return started(new DockerExecutor(options), log)
    }
    case 'oci': {
      if (!config.oci) throw new NarwhalError('internal', 'the executor oci: is not configured')
      return started(await ociOf(config.oci, config, deps), log)
    }
    case 'bubblewrap':
      return reaped(await bubblewrapOf(config, deps))
    case 'process': {
      const { ProcessExecutor } = await import('./local/process.ts')
      log.warn('jobs run as plain processes, without isolation: they can do whatever this user can')
      return reaped(new ProcessExecutor({ instance, ...present({ graceMs: config.graceMs }) }))
    }
    case 'fake': {
      const { FakeExecutor } = await import('./fake/fake.ts')
      log.warn('jobs are not really run: the fake executor is configured')
      return new FakeExecutor()
    }
    case 'auto': {
      const { AutoExecutor } = await import('./auto/auto.ts')
      const inContainers = { ...config, defaultImage: config.defaultImage ?? DEFAULT_IMAGE }
      const own = config.oci && (await ociOf(config.oci, inContainers, deps))
      return started(
        new AutoExecutor({
          hosts: engineHosts(config),
          docker: dockerOptions(inContainers, deps),
          bubblewrap: await reaped(await bubblewrapOf(config, deps)),
          ...present({ own, strangers: config.strangers }),
        }),
        log,
      )
    }
  }
}

async function ociOf(oci: OciConfig, config: ExecutorConfig, deps: ExecutorDeps) {
  const { ociExecutor } = await import('./oci/open-oci-executor.ts')
  const { defaultImage, graceMs } = config
  const { log, instance, networks, folder } = deps
  const own = present({ defaultImage, graceMs })
  return ociExecutor(oci, { log, instance, networks, folder, ...own })
}

async function bubblewrapOf(
  { graceMs }: ExecutorConfig,
  { folder, ...deps }: ExecutorDeps,
): Promise<BubblewrapExecutor> {
  const { BubblewrapExecutor } = await import('./local/bubblewrap.ts')
  // Apart from the engines' folders, which each of them empties.
  const own = present({ graceMs })
  return new BubblewrapExecutor({ ...deps, ...own, folder: join(folder, 'bubblewrap') })
}

function dockerOptions({ defaultImage, graceMs, warm }: ExecutorConfig, deps: ExecutorDeps) {
  const { log, instance, folder, networks } = deps
  return {
    instance,
    folder,
    log,
    networks,
    runnerIsRoot: process.getuid?.() === 0,
    ...present({ defaultImage, graceMs, warm }),
  }
}

/** Addresses of the engine: the configured one, or else the usual ones of Docker and Podman. */
export function engineHosts({
  host,
  dockerHost,
  runtimeDir,
}: Pick<ExecutorConfig, 'host' | 'dockerHost' | 'runtimeDir'>): readonly [string, ...string[]] {
  const named = host ?? dockerHost
  if (named !== undefined) return [named]
  const rootless = runtimeDir ? [`unix://${join(runtimeDir, 'podman/podman.sock')}`] : []
  return [DOCKER_SOCKET, ...rootless, PODMAN_SOCKET]
}

/** With the leftovers of a previous process removed. */
async function reaped<E extends Executor & { reap(): Promise<number> }>(executor: E): Promise<E> {
  await executor.reap()
  return executor
}

/** With the leftovers of a previous process removed if the engine answers; if not, before the first job. */
async function started<E extends Executor & { reap(): Promise<number> }>(
  executor: E,
  log: Logger,
): Promise<E> {
  if ((await executor.probe()) !== '') return executor
  await executor.reap().catch((error: unknown) => {
    log.warn(
      { reason: describeError(error) },
      'leftover containers not removed yet: retrying before the first job',
    )
  })
  return executor
}
