import { parseImageReference } from '../../../../core/image-reference.ts'
import type { ServiceSpec } from '../../../../core/plan/plan.ts'
import { present } from '../../../../lib/present.ts'
import type { EngineNetwork } from '../../../network/job-networks.ts'
import type { SandboxLimits, SandboxSpec } from '../../executor.ts'
import { KEPT_BESIDE, KEPT_BY_STEPS } from '../docker-launcher.ts'
import { CONTROL_DIR, SUPERVISOR } from '../docker-supervisor.ts'

/** Where every sandbox has its workspace. */
export const WORKSPACE = '/workspace'
/** And the file for what logs must not show. */
export const MASK_FILE = '/narwhal-mask'

export const SANDBOX_LABEL = 'narwhal.sandbox'
export const RUNNER_LABEL = 'narwhal.runner'
/** In the place of the sandbox's, at what is of no job: by it networks are told apart that a proof has for a moment. */
export const PROOF_LABEL = 'narwhal.proof'

/** How a container is connected. */
export type Connection =
  | { readonly kind: 'none' }
  /** As this container is, by its id: the same addresses, ports and names. */
  | { readonly kind: 'as'; readonly container: string }
  | ({ readonly kind: 'network' } & JobNetwork)

/** The network of one job and its services. */
export interface JobNetwork {
  readonly network: string
  /** Nothing outside it is reached from there. */
  readonly isInternal: boolean
  /** The server that is asked for names of the outside; absent: the machine's own. */
  readonly resolver?: string
  /** Where on the machine it has to be. */
  readonly place?: EngineNetwork
  /** Whether no container is ever in it: what is closed is tried from there. */
  readonly isProof?: boolean
}

/** The body of POST /containers/create, as far as Narwhal sets it. */
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
  /** An engine that stops for good asks nobody to end: the supervisor is deaf to it. */
  readonly StopSignal?: string
  readonly HostConfig: Readonly<Record<string, unknown>>
  readonly NetworkingConfig?: Readonly<Record<string, unknown>>
}

/**
 * What building software needs of root's powers, and nothing else: give files away and read them
 * (CHOWN, DAC_OVERRIDE, FOWNER), become another user as apt does with `_apt` and package scripts do
 * (SETUID, SETGID), and stop what those run (KILL). Tried with Debian 12: apt-get installs git, sudo,
 * openssh-client and postgresql-common under these; packages that set file capabilities do without.
 */
const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETUID', 'SETGID', 'KILL']

/**
 * Servers bind ports below 1024, some by a capability of their file that the kernel refuses to start
 * without, keep the group of a folder, and lock themselves up in one.
 */
const SERVICE_CAPABILITIES = [...CAPABILITIES, 'NET_BIND_SERVICE', 'FSETID', 'SYS_CHROOT']

/** Enough for any build; an engine with less to give would refuse to start the container. */
const OPEN_FILES = 16_384

export interface ProfileOptions {
  /** The runner's name among all that use this engine. */
  readonly instance: string
  /** Whether the runner is root; else the files in the workspace are another user's for git. */
  readonly runnerIsRoot: boolean
}

/** What may be changed while it runs. */
export function limitSettings(limits: SandboxLimits): Readonly<Record<string, number>> {
  return {
    Memory: limits.memoryBytes,
    MemorySwap: limits.memoryBytes,
    NanoCpus: Math.round(limits.cpus * 1e9),
    PidsLimit: limits.processes,
  }
}

/** What holds for every container of a job: few powers, limits, nothing of the machine. */
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
 * The engine answers for the names of the network; others it would ask of the machine's own servers. Of an
 * internal network nobody is asked: where it was told `ndots`, the engine answers at once for a name without a dot,
 * such as that of a service that is not there yet. Without, the question is lost, and who asks waits for seconds (Docker 20.10).
 */
function nameSettings({ isInternal, resolver }: JobNetwork): Readonly<Record<string, unknown>> {
  if (isInternal) return { Dns: ['127.0.0.1'], DnsOptions: ['ndots:1'], DnsSearch: ['.'] }
  return resolver === undefined ? {} : { Dns: [resolver] }
}

/**
 * A network for one job. Of an internal one the machine itself is no part: else what listens on all of
 * its addresses could be reached by that of the bridge.
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
 * A container for steps: idle, root inside with few powers, nothing of the machine but its workspace, its
 * file for what logs must not show and, read-only, its control folder.
 *
 * It is not removed by the engine when it ends (AutoRemove), so that one that died can be asked why;
 * the sandbox's disposal removes it, or the next start of the same runner.
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
    // Whoever made the checkout is not root; git would refuse to work in it ("dubious ownership").
    Env: options.runnerIsRoot
      ? []
      : [
          'GIT_CONFIG_COUNT=1',
          'GIT_CONFIG_KEY_0=safe.directory',
          `GIT_CONFIG_VALUE_0=${WORKSPACE}`,
        ],
    // Where it is connected as another container, it is called like that.
    ...(connection.kind === 'as' ? {} : { Hostname: 'narwhal' }),
    // The image's own user could neither write into the workspace nor install packages.
    User: '0:0',
    WorkingDir: WORKSPACE,
    Labels: { [SANDBOX_LABEL]: spec.name, [RUNNER_LABEL]: options.instance },
    Healthcheck: { Test: ['NONE'] },
    StopSignal: 'SIGKILL',
    HostConfig: {
      ...hostSettings(limits),
      CapAdd: [...CAPABILITIES, KEPT_BY_STEPS.name, KEPT_BESIDE.name],
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
 * The container of a service: as its image says, as the user it says, with the limits of a job's, and
 * without the workspace. No port of it is published on the machine.
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
      // Images with an init of their own insist on being the first process.
      Init: false,
      NetworkMode: network,
      ...nameSettings(spec),
    },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [name] } } },
  }
}

/** A look into a container's network from the side, with a shell of another image. */
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
