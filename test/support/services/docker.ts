import { randomInt } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { present } from '../../../src/lib/present.ts'
import { startDaemon } from './daemon.ts'
import { removeContainers, removeNetworks } from './docker-api.ts'
import { addBridge, unmountBelow } from './docker-host.ts'
import { importTestImage, TEST_IMAGE } from './docker-image.ts'
import { findProgram, isRoot } from './programs.ts'
import type { StartService } from './service.ts'

/** Leaves the machine's firewall alone, which another Docker Engine may manage. */
const QUIET = { iptables: false, 'ip-masq': false, 'ip-forward': false, 'userland-proxy': false }

/**
 * A Docker Engine of its own with the test image. Its containers reach each other and this machine through a
 * bridge of its own, but not the internet.
 */
export const startDocker: StartService = async (dir, signal, options) => {
  const { root } = options ?? {}
  const dockerd = findProgram('dockerd', root)
  const busybox = findProgram('busybox')
  if (!dockerd) return { unavailable: 'the Docker Engine is not installed (apt: docker.io)' }
  if (!busybox) return { unavailable: 'BusyBox is not installed (apt: busybox-static)' }
  if (!isRoot()) {
    return { unavailable: 'only root can start a Docker Engine; NARWHAL_TEST_DOCKER may name one' }
  }

  await using started = new AsyncDisposableStack()
  const id = `nwt${randomInt(2 ** 32).toString(36)}`
  const subnet = `10.${randomInt(128, 250)}`
  const bridge = await addBridge(id, `${subnet}.0.1/24`)
  if (bridge) started.use(bridge)
  started.defer(() => unmountBelow(dir))
  const socket = join(dir, 'docker.sock')
  const settings = {
    hosts: [`unix://${socket}`],
    pidfile: join(dir, 'pid'),
    'data-root': join(dir, 'data'),
    'exec-root': join(dir, 'exec'),
    bridge: bridge ? id : 'none',
    'default-address-pools': [{ base: `${subnet}.128.0/17`, size: 24 }],
    'shutdown-timeout': 2,
    ...QUIET,
  }
  const file = join(dir, 'daemon.json')
  await writeFile(file, JSON.stringify(settings))
  // If the machine runs a containerd, dockerd uses that one.
  const namespaces = [
    '--containerd-namespace',
    id,
    '--containerd-plugins-namespace',
    `${id}-plugins`,
  ]
  const args = ['--config-file', file, ...namespaces]
  const log = join(dir, 'log')
  const ready = /API listen on/
  const daemon = { command: dockerd, args, cwd: dir, log, ready, ...present({ root }) }
  started.use(await startDaemon(daemon, signal))
  started.defer(() => removeNetworks(socket))
  started.defer(() => removeContainers(socket))
  await importTestImage(socket, busybox, join(dir, 'image'))
  const owned = started.move()
  return {
    env: { NARWHAL_TEST_DOCKER: `unix://${socket}`, NARWHAL_TEST_IMAGE: TEST_IMAGE },
    note: `Docker Engine at ${socket}${bridge ? '' : ', without a bridge'}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** An Engine named by the environment needs the test image, too, unless that names another image. */
export async function provideTestImage(url: string, dir: string): Promise<void> {
  const busybox = findProgram('busybox')
  if (!busybox)
    throw new Error('BusyBox is not installed (apt: busybox-static): set NARWHAL_TEST_IMAGE')
  await importTestImage(url.replace(/^unix:\/\//, ''), busybox, dir)
}
