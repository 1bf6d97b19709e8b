import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { present } from '../../../src/lib/present.ts'
import { eventually } from '../eventually.ts'
import { startDaemon } from './daemon.ts'
import { callDocker, removeContainers, removeNetworks } from './docker-api.ts'
import { unmountBelow } from './docker-host.ts'
import { importTestImage, TEST_IMAGE } from './docker-image.ts'
import { findProgram, isRoot } from './programs.ts'
import type { StartService } from './service.ts'

/** A Podman with its API service and the test image; nothing of it is shared with the machine's own. */
export const startPodman: StartService = async (dir, signal, options) => {
  const { root } = options ?? {}
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
    // Before `firewall_driver` was a setting.
    NETAVARK_FW: 'none',
  }
  const args = ['--tmpdir', join(dir, 'tmp'), 'system', 'service', '--time=0', `unix://${socket}`]
  const log = join(dir, 'log')
  const daemon = { command: podman, args, env, cwd: dir, log, ...present({ root }) }
  started.use(await startDaemon(daemon, signal))
  await eventually(() => callDocker(socket, 'GET', '/version'))
  started.defer(() => removeNetworks(socket))
  started.defer(() => removeContainers(socket))
  await importTestImage(socket, busybox, join(dir, 'image'))
  const owned = started.move()
  return {
    env: { NARWHAL_TEST_DOCKER: `unix://${socket}`, NARWHAL_TEST_IMAGE: TEST_IMAGE },
    note: `Podman at ${socket}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Leaves the machine's firewall alone, as the tests' Docker Engine does. */
function containersConf(dir: string): string {
  const subnet = `10.${randomInt(128, 250)}`
  return `[network]
firewall_driver = "none"
network_config_dir = "${dir}/networks"
default_subnet = "${subnet}.0.0/24"
default_subnet_pools = [{ base = "${subnet}.128.0/17", size = 24 }]

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
