import { NarwhalError } from '../../../../lib/errors.ts'
import { present } from '../../../../lib/present.ts'
import type { EngineNetwork } from '../../../network/job-networks.ts'
import type {
  ContainerConnection,
  ContainerNetwork,
  ContainerSpec,
} from '../../containers/container-spec.ts'
import type { SandboxLimits } from '../../executor.ts'

export const SANDBOX_LABEL = 'narwhal.sandbox'
export const RUNNER_LABEL = 'narwhal.runner'
/** Instead of the sandbox's label, on networks that a proof has for a moment. */
export const PROOF_LABEL = 'narwhal.proof'

/** The body of POST /containers/create, as far as Narwhal uses it. */
export interface ContainerSettings {
  readonly Image: string
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Env: readonly string[]
  readonly Hostname?: string
  readonly User?: string
  readonly WorkingDir?: string
  readonly Labels: Readonly<Record<string, string>>
  readonly Healthcheck: { readonly Test: readonly string[] }
  /** An engine that shuts down doesn't wait for a graceful stop: the supervisor would ignore it. */
  readonly StopSignal?: string
  readonly HostConfig: Readonly<Record<string, unknown>>
  readonly NetworkingConfig?: Readonly<Record<string, unknown>>
}

/**
 * Without AutoRemove, so that one that died can still be inspected; it is removed by the sandbox's disposal,
 * or by the next start of the same runner. `instance` is unique among the runners of this engine.
 */
export function dockerSettings(spec: ContainerSpec, instance: string): ContainerSettings {
  const { image, entrypoint, command, env, hostname, user, folder, connection, aliases } = spec
  return {
    Image: image,
    ...present({ Entrypoint: entrypoint, Cmd: command }),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    ...present({ Hostname: hostname, User: user, WorkingDir: folder }),
    Labels: { [SANDBOX_LABEL]: spec.sandbox, [RUNNER_LABEL]: instance },
    Healthcheck: { Test: ['NONE'] },
    ...(spec.endsByKillOnly ? { StopSignal: 'SIGKILL' } : {}),
    HostConfig: hostSettings(spec),
    ...(aliases && connection.kind === 'network'
      ? { NetworkingConfig: { EndpointsConfig: { [connection.network]: { Aliases: aliases } } } }
      : {}),
  }
}

/** Few capabilities, limits, nothing of the machine. */
function hostSettings(spec: ContainerSpec): Readonly<Record<string, unknown>> {
  const { limits, openFiles, capabilities, init, connection, mounts } = spec
  return {
    CapDrop: ['ALL'],
    CapAdd: capabilities,
    SecurityOpt: ['no-new-privileges'],
    Privileged: false,
    Init: init,
    IpcMode: 'private',
    CgroupnsMode: 'private',
    ...limitSettings(limits),
    Ulimits: [
      { Name: 'nofile', Soft: openFiles, Hard: openFiles },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    LogConfig: { Type: 'none' },
    ...networkMode(connection),
    Mounts: mounts.map(({ source, target, isReadOnly }) => ({
      Type: 'bind',
      Source: source,
      Target: target,
      ...present({ ReadOnly: isReadOnly }),
    })),
  }
}

export function limitSettings(limits: SandboxLimits): Readonly<Record<string, number>> {
  return {
    Memory: limits.memoryBytes,
    MemorySwap: limits.memoryBytes,
    NanoCpus: Math.round(limits.cpus * 1e9),
    PidsLimit: limits.processes,
  }
}

function networkMode(connection: ContainerConnection): Readonly<Record<string, unknown>> {
  switch (connection.kind) {
    case 'none':
      return { NetworkMode: 'none' }
    case 'as':
      return { NetworkMode: `container:${connection.container}` }
    case 'place':
      throw new NarwhalError(
        'internal',
        'the Docker Engine starts nothing in networks of the runner',
      )
    case 'network':
      return { NetworkMode: connection.network, ...nameSettings(connection) }
  }
}

/**
 * The engine resolves the names of the network; others it would forward to the machine's name servers. In an
 * internal network nothing is forwarded: with `ndots`, the engine answers at once for a name without a dot,
 * such as that of a service that has not started. Without it the query is lost, and times out after seconds
 * (Docker 20.10).
 */
function nameSettings({
  isInternal,
  resolver,
}: ContainerNetwork): Readonly<Record<string, unknown>> {
  if (isInternal) return { Dns: ['127.0.0.1'], DnsOptions: ['ndots:1'], DnsSearch: ['.'] }
  return resolver === undefined ? {} : { Dns: [resolver] }
}

/** A network to be created. */
export interface DockerNetwork extends ContainerNetwork {
  /** Its place on the machine, if required. */
  readonly place?: EngineNetwork
  /** Whether it never has containers: isolation is proven from it. */
  readonly isProof?: boolean
}

/**
 * A network for one job. The machine itself is not part of an internal one: otherwise, servers that listen on
 * all its addresses could be reached at the bridge's.
 */
export function networkSettings(
  { network, isInternal, place, isProof = false }: DockerNetwork,
  name: string,
  instance: string,
): Readonly<Record<string, unknown>> {
  return {
    Name: network,
    Driver: 'bridge',
    Internal: isInternal,
    Labels: { [isProof ? PROOF_LABEL : SANDBOX_LABEL]: name, [RUNNER_LABEL]: instance },
    ...(isInternal ? { Options: { 'com.docker.network.bridge.inhibit_ipv4': 'true' } } : {}),
    ...(place ? placeSettings(place) : {}),
  }
}

function placeSettings({ bridge, subnet, gateway, mtu }: EngineNetwork) {
  return {
    IPAM: { Config: [{ Subnet: subnet, Gateway: gateway }] },
    Options: {
      'com.docker.network.bridge.name': bridge,
      'com.docker.network.driver.mtu': String(mtu),
    },
  }
}
