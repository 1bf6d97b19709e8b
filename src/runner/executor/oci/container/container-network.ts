import { readFileSync } from 'node:fs'
import { NarwhalError } from '../../../../lib/errors.ts'
import { STEPS_HOSTNAME } from '../../containers/container-profile.ts'
import type { ContainerConnection, ContainerSpec } from '../../containers/container-spec.ts'
import type { ContainerNames } from './container-files.ts'
import type { OciContainer } from './oci-container.ts'

/** Finds a container whose network another shares; throws `unavailable` if it is gone. */
export type GetContainer = (id: string) => OciContainer

/** Whether a container's network namespace is made by its runtime. */
export function hasNewNetwork({ connection }: ContainerSpec): boolean {
  return connection.kind === 'none' || (connection.kind === 'place' && connection.isNew === true)
}

/** Whether a container is started in another network than the machine's own. */
export function entersNetwork({ connection }: ContainerSpec, get: GetContainer): boolean {
  if (connection.kind === 'place') return connection.enter.length > 0
  if (connection.kind !== 'as') return false
  const shared = get(connection.container).parts.spec
  return hasNewNetwork(shared) || entersNetwork(shared, get)
}

/** What a container knows of names: those of its network, and its own. */
export function namesFor(spec: ContainerSpec, get: GetContainer): ContainerNames {
  const { connection } = spec
  if (connection.kind === 'as') return namesFor(get(connection.container).parts.spec, get)
  const hostname = spec.hostname ?? STEPS_HOSTNAME
  const { hosts, resolvConf } = namesOf(connection, hostname)
  return { hosts, hostname, resolvConf }
}

function namesOf(connection: ContainerConnection, hostname: string) {
  if (connection.kind !== 'place') {
    return { hosts: [`127.0.0.1\tlocalhost ${hostname}`], resolvConf: '' }
  }
  const { hosts, resolvConf = readFileSync('/etc/resolv.conf', 'utf8') } = connection
  return { hosts, resolvConf }
}

/**
 * The command prefix for a program in a container's network; `enter` is that of all programs that start containers.
 * Networks of an ordinary user are in a user namespace of their own.
 */
export function enterNetwork(
  spec: ContainerSpec,
  enter: readonly string[],
  get: GetContainer,
): readonly string[] {
  const { connection } = spec
  if (connection.kind === 'place') return connection.enter.length > 0 ? connection.enter : enter
  if (connection.kind !== 'as') return enter
  const shared = get(connection.container)
  if (!hasNewNetwork(shared.parts.spec)) return enterNetwork(shared.parts.spec, enter, get)
  const { pid, launcher } = shared
  if (pid === undefined) throw new NarwhalError('unavailable', 'the container is not running')
  // Of an ordinary user, it belongs to the user namespace in which that one was started.
  const user = enter.length > 0 ? [`--user=/proc/${launcher}/ns/user`] : []
  return ['nsenter', ...user, `--net=/proc/${pid}/ns/net`, '--']
}
