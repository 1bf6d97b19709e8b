import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { eventually } from '../eventually.ts'
import { startDaemon } from './daemon.ts'
import { callDocker, removeContainers } from './docker-api.ts'
import { unmountBelow } from './docker-host.ts'
import { importTestImage, TEST_IMAGE } from './docker-image.ts'
import { findProgram, isRoot } from './programs.ts'
import type { StartService } from './service.ts'

/**
 * A Podman of another system with its API service and the test image. It has a network of its own: its rules
 * are the only ones there, and its bridges end with it.
 */
export const startPodman: StartService = async (dir, signal, options) => {
  const { root } = options ?? {}
  if (root === undefined) return { unavailable: 'Podman is started from a system of its own only' }
  const podman = findProgram('podman', root)
  const busybox = findProgram('busybox')
  if (!podman) return { unavailable: 'Podman is not installed (apt: podman catatonit)' }
  if (!busybox) return { unavailable: 'BusyBox is not installed (apt: busybox-static)' }
  if (!isRoot()) return { unavailable: 'only root can start a Podman with networks' }

  await using started = new AsyncDisposableStack()
  started.defer(() => unmountBelow(dir))
  const socket = join(dir, 'podman.sock')
  await mkdir(join(dir, 'networks'))
  await writeFile(join(dir, 'containers.conf'), containersConf(dir))
  await writeFile(join(dir, 'storage.conf'), storageConf(dir))
  const env = {
    CONTAINERS_CONF: join(dir, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(dir, 'storage.conf'),
  }
  const args = ['--tmpdir', join(dir, 'tmp'), 'system', 'service', '--time=0', `unix://${socket}`]
  const log = join(dir, 'log')
  const daemon = { command: podman, args, env, cwd: dir, log, root, ownNetwork: true }
  started.use(await startDaemon(daemon, signal))
  await eventually(() => callDocker(socket, 'GET', '/version'))
  started.defer(() => removeContainers(socket))
  await importTestImage(socket, busybox, join(dir, 'image'))
  const trouble = await tryContainer(socket)
  if (trouble !== '') return { unavailable: `it can't start a container here: ${trouble}` }
  const owned = started.move()
  return {
    env: { NARWHAL_TEST_DOCKER: `unix://${socket}`, NARWHAL_TEST_IMAGE: TEST_IMAGE },
    note: `Podman at ${socket}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/**
 * Why it starts no container with a limit on open files; empty if it does. Podman 4 then raises the limit of
 * processes, which a virtual machine may not allow.
 */
async function tryContainer(socket: string): Promise<string> {
  const Ulimits = [{ Name: 'nofile', Soft: 1024, Hard: 1024 }]
  const HostConfig = { NetworkMode: 'none', Ulimits }
  const body = { Image: TEST_IMAGE, Cmd: ['true'], HostConfig }
  try {
    const made = await callDocker(socket, 'POST', '/containers/create', {
      type: 'application/json',
      content: Readable.from(JSON.stringify(body)),
    })
    const { Id } = JSON.parse(made) as { Id: string }
    await callDocker(socket, 'POST', `/containers/${Id}/start`)
    return ''
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    await removeContainers(socket)
  }
}

function containersConf(dir: string): string {
  return `[network]
network_config_dir = "${dir}/networks"

[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
${runtime()}`
}

/** crun, the usual one, refuses a machine with both versions of control groups. */
function runtime(): string {
  return existsSync('/sys/fs/cgroup/cgroup.controllers') ? '' : 'runtime = "runc"\n'
}

function storageConf(dir: string): string {
  return `[storage]
driver = "overlay"
graphroot = "${dir}/data"
runroot = "${dir}/run"
`
}
