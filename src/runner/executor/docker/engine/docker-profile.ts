import { parseImageReference } from '../../../../core/image-reference.ts'
import type { ServiceSpec } from '../../../../core/plan/plan.ts'
import { present } from '../../../../lib/present.ts'
import type { EngineNetwork } from '../../../network/job-networks.ts'
import type { SandboxLimits, SandboxSpec } from '../../executor.ts'
import { KEPT_BY_STEPS, KEPT_IN_BACKGROUND } from '../docker-launcher.ts'
import { CONTROL_DIR, SUPERVISOR } from '../docker-supervisor.ts'

/** Path of the workspace in every sandbox. */
export const WORKSPACE = '/workspace'
export const MASK_FILE = '/narwhal-mask'

export const SANDBOX_LABEL = 'narwhal.sandbox'
export const RUNNER_LABEL = 'narwhal.runner'
/** Instead of the sandbox's label, on networks that a proof has for a moment. */
export const PROOF_LABEL = 'narwhal.proof'

export type Connection =
  | { readonly kind: 'none' }
  /** Shares the network namespace of this container: the same addresses, ports and names. */
  | { readonly kind: 'as'; readonly container: string }
  | ({ readonly kind: 'network' } & JobNetwork)

/** The network of one job and its services. */
export interface JobNetwork {
  readonly network: string
  /** Nothing outside is reachable from it. */
  readonly isInternal: boolean
  /** The name server for the outside; absent: the machine's own. */
  readonly resolver?: string
  /** Its place on the machine, if required. */
  readonly place?: EngineNetwork
  /** Whether it never has containers: isolation is proven from it. */
  readonly isProof?: boolean
}

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
 * The capabilities that building software needs: give files away and read them (CHOWN, DAC_OVERRIDE, FOWNER),
 * become another user as apt (`_apt`) and package scripts do (SETUID, SETGID), and stop their processes
 * (KILL). Tested with Debian 12: apt-get installs git, sudo, openssh-client and postgresql-common with these;
 * packages that set file capabilities do without.
 */
const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETUID', 'SETGID', 'KILL']

/**
 * Servers bind ports below 1024, some through a file capability without which the kernel refuses to start
 * them, keep a folder's group, and chroot.
 */
const SERVICE_CAPABILITIES = [...CAPABILITIES, 'NET_BIND_SERVICE', 'FSETID', 'SYS_CHROOT']

/** Enough for any build; an engine with a lower limit would refuse to start the container. */
const OPEN_FILES = 16_384

export interface ProfileOptions {
  /** Unique among the runners of this engine. */
  readonly instance: string
  /** Whether the runner is root; if not, git sees the files in the workspace as another user's. */
  readonly runnerIsRoot: boolean
}

export function limitSettings(limits: SandboxLimits): Readonly<Record<string, number>> {
  return {
    Memory: limits.memoryBytes,
    MemorySwap: limits.memoryBytes,
    NanoCpus: Math.round(limits.cpus * 1e9),
    PidsLimit: limits.processes,
  }
}

/** Applies to every container of a job: few capabilities, limits, nothing of the machine. */
function hostSettings(limits: SandboxLimits): Readonly<Record<string, unknown>> {
  return {
    CapDrop: ['ALL'],
    CapAdd: CAPABILITIES,
    SecurityOpt: ['no-new-privileges'],
    Privileged: false,
    Init: true,
    IpcMode: 'private',
    CgroupnsMode: 'private',
    ...limitSettings(limits),
    Ulimits: [
      { Name: 'nofile', Soft: OPEN_FILES, Hard: OPEN_FILES },
      { Name: 'core', Soft: 0, Hard: 0 },
    ],
    LogConfig: { Type: 'none' },
  }
}

function networkMode(connection: Connection): Readonly<Record<string, unknown>> {
  switch (connection.kind) {
    case 'none':
      return { NetworkMode: 'none' }
    case 'as':
      return { NetworkMode: `container:${connection.container}` }
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
function nameSettings({ isInternal, resolver }: JobNetwork): Readonly<Record<string, unknown>> {
  if (isInternal) return { Dns: ['127.0.0.1'], DnsOptions: ['ndots:1'], DnsSearch: ['.'] }
  return resolver === undefined ? {} : { Dns: [resolver] }
}

/**
 * A network for one job. The machine itself is not part of an internal one: otherwise, servers that listen on
 * all its addresses could be reached at the bridge's.
 */
export function networkSettings(
  { network, isInternal, place, isProof = false }: JobNetwork,
  name: string,
  { instance }: Pick<ProfileOptions, 'instance'>,
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

/**
 * A container for steps: idle, root inside with few capabilities, nothing of the machine but its workspace,
 * its mask file and, read-only, its control folder.
 *
 * Without AutoRemove, so that one that died can still be inspected; it is removed by the sandbox's disposal,
 * or by the next start of the same runner.
 */
export function containerSettings(
  image: string,
  spec: Pick<SandboxSpec, 'name' | 'workspace' | 'limits'> & {
    readonly control: string
    readonly maskFile: string
    readonly connection: Connection
  },
  options: ProfileOptions,
): ContainerSettings {
  const { limits, workspace, control, maskFile, connection } = spec
  return {
    Image: image,
    Entrypoint: ['/bin/sh'],
    Cmd: ['-c', SUPERVISOR],
    // The checkout belongs to another user than root; git would refuse to work in it ("dubious ownership").
    Env: options.runnerIsRoot
      ? []
      : [
          'GIT_CONFIG_COUNT=1',
          'GIT_CONFIG_KEY_0=safe.directory',
          `GIT_CONFIG_VALUE_0=${WORKSPACE}`,
        ],
    // A container that shares another's network has its hostname.
    ...(connection.kind === 'as' ? {} : { Hostname: 'narwhal' }),
    // The image's own user could neither write to the workspace nor install packages.
    User: '0:0',
    WorkingDir: WORKSPACE,
    Labels: { [SANDBOX_LABEL]: spec.name, [RUNNER_LABEL]: options.instance },
    Healthcheck: { Test: ['NONE'] },
    StopSignal: 'SIGKILL',
    HostConfig: {
      ...hostSettings(limits),
      CapAdd: [...CAPABILITIES, KEPT_BY_STEPS.name, KEPT_IN_BACKGROUND.name],
      ...networkMode(connection),
      Mounts: [
        { Type: 'bind', Source: workspace.path, Target: WORKSPACE },
        { Type: 'bind', Source: control, Target: CONTROL_DIR, ReadOnly: true },
        { Type: 'bind', Source: maskFile, Target: MASK_FILE },
      ],
    },
  }
}

/**
 * The container of a service: as its image defines it, including the user, with the limits of a job, and
 * without the workspace. None of its ports is published on the machine.
 */
export function serviceSettings(
  service: ServiceSpec,
  spec: Pick<SandboxSpec, 'name' | 'limits'> & JobNetwork,
  { instance }: ProfileOptions,
): ContainerSettings {
  const { name, image, env, command } = service
  const { network } = spec
  return {
    Image: parseImageReference(image).full,
    ...present({ Cmd: command }),
    Env: Object.entries(env).map(([key, value]) => `${key}=${value}`),
    Hostname: name,
    Labels: { [SANDBOX_LABEL]: spec.name, [RUNNER_LABEL]: instance },
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      ...hostSettings(spec.limits),
      CapAdd: SERVICE_CAPABILITIES,
      // Images with an init of their own insist on being process 1.
      Init: false,
      NetworkMode: network,
      ...nameSettings(spec),
    },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [name] } } },
  }
}

/** Probes a container's network with a shell of another image. */
export function probeSettings(
  image: string,
  script: string,
  spec: Pick<SandboxSpec, 'name' | 'limits'> & { readonly container: string },
  { instance }: ProfileOptions,
): ContainerSettings {
  return {
    Image: image,
    Entrypoint: ['/bin/sh'],
    Cmd: ['-c', script],
    Env: [],
    User: '0:0',
    Labels: { [SANDBOX_LABEL]: spec.name, [RUNNER_LABEL]: instance },
    Healthcheck: { Test: ['NONE'] },
    StopSignal: 'SIGKILL',
    HostConfig: {
      ...hostSettings(spec.limits),
      ...networkMode({ kind: 'as', container: spec.container }),
    },
  }
}
