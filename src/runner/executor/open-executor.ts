import { join } from 'node:path'
import type { Engine } from '../../core/placement/placement.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import type { NetworkSource } from '../network/network-source.ts'
import { AutoExecutor } from './auto.ts'
import { DockerExecutor } from './docker/docker-executor.ts'
import type { Executor, SandboxLimits } from './executor.ts'
import { FakeExecutor } from './fake/fake.ts'
import { BubblewrapExecutor } from './local/bubblewrap.ts'
import { ProcessExecutor } from './local/process.ts'

/** Which executor a runner uses, and what is around it. */
export interface ExecutorConfig {
  readonly kind: 'auto' | Engine
  /** `docker`: where its engine is, `unix:///path` or `tcp://host:port`; else as with `auto`. */
  readonly host?: string
  /** What DOCKER_HOST says. */
  readonly dockerHost?: string
  /** What XDG_RUNTIME_DIR says: a rootless Podman serves its socket there. */
  readonly runtimeDir?: string
  /** For jobs without an image where they run in containers; `auto` has one of its own. */
  readonly defaultImage?: string | undefined
  /** What containers are held ready for jobs to come; none unless told. */
  readonly warm?: { readonly size: number; readonly limits: SandboxLimits }
}

export interface ExecutorDeps {
  readonly log: Logger
  /** The runner's name; no other living runner on this machine or its engine may have it. */
  readonly instance: string
  /**
   * A folder for what sandboxes need on this machine, used by nobody else. Where the engine has
   * another file system than this process, it must be under the same path in both.
   */
  readonly folder: string
  /** Folders that no job may see: Narwhal's own data. */
  readonly hide: readonly string[]
  /** How jobs are connected; the caller's to dispose, after the executor. */
  readonly networks: NetworkSource
}

const DOCKER_SOCKET = 'unix:///var/run/docker.sock'
const PODMAN_SOCKET = 'unix:///run/podman/podman.sock'
const DEFAULT_IMAGE = 'debian:stable-slim'

/**
 * Opens the executor of a runner and removes what a former process of the runner left behind. Resolves
 * also when no sandbox can be opened yet (`probe` says why); rejects with NarwhalError `invalid` for
 * a configuration that can't be right.
 */
export async function openExecutor(config: ExecutorConfig, deps: ExecutorDeps): Promise<Executor> {
  const { log, instance, networks } = deps
  // It takes a while, and the first job needs it.
  if (config.kind !== 'process' && config.kind !== 'fake') void networks.get()
  switch (config.kind) {
    case 'docker':
      return started(
        new DockerExecutor({ ...dockerOptions(config, deps), host: hosts(config)[0] }),
        log,
      )
    case 'bubblewrap':
      return reaped(bubblewrapOf(deps))
    case 'process':
      log.warn(
        'jobs run as plain processes without any isolation: every job can do what this user can',
      )
      return reaped(new ProcessExecutor({ instance }))
    case 'fake':
      log.warn('no job really runs: the fake executor was chosen')
      return new FakeExecutor()
    case 'auto':
      return started(
        new AutoExecutor({
          hosts: hosts(config),
          docker: dockerOptions(
            { ...config, defaultImage: config.defaultImage ?? DEFAULT_IMAGE },
            deps,
          ),
          bubblewrap: await reaped(bubblewrapOf(deps)),
        }),
        log,
      )
  }
}

function bubblewrapOf({ folder, ...deps }: ExecutorDeps): BubblewrapExecutor {
  // Beside those of engines, each of which removes all in its own.
  return new BubblewrapExecutor({ ...deps, folder: join(folder, 'bubblewrap') })
}

function dockerOptions({ defaultImage, warm }: ExecutorConfig, deps: ExecutorDeps) {
  const { log, instance, folder, networks } = deps
  return {
    instance,
    folder,
    log,
    networks,
    runnerIsRoot: process.getuid?.() === 0,
    ...present({ defaultImage, warm }),
  }
}

/** Where an engine may be: what was said, or else where Docker and Podman usually are. */
function hosts({ host, dockerHost, runtimeDir }: ExecutorConfig): readonly [string, ...string[]] {
  const named = host ?? dockerHost
  if (named !== undefined) return [named]
  const rootless = runtimeDir ? [`unix://${join(runtimeDir, 'podman/podman.sock')}`] : []
  return [DOCKER_SOCKET, ...rootless, PODMAN_SOCKET]
}

/** With what a former process left behind removed. */
async function reaped<E extends Executor & { reap(): Promise<number> }>(executor: E): Promise<E> {
  await executor.reap()
  return executor
}

/** With what a former process left behind removed, if the engine answers; else later, before the first job. */
async function started<E extends Executor & { reap(): Promise<number> }>(
  executor: E,
  log: Logger,
): Promise<E> {
  if ((await executor.probe()) !== '') return executor
  await executor.reap().catch((error: unknown) => {
    log.warn({ reason: describeError(error) }, 'leftover containers could not be removed yet')
  })
  return executor
}
