import { CONTROL_DIR, SUPERVISOR } from './docker-supervisor.ts'
import type { SandboxLimits, SandboxSpec } from './executor.ts'

/** Where every sandbox has its workspace. */
export const WORKSPACE = '/workspace'

export const SANDBOX_LABEL = 'narwhal.sandbox'
export const RUNNER_LABEL = 'narwhal.runner'

/** The body of POST /containers/create, as far as Narwhal sets it. */
export interface ContainerSettings {
  readonly Image: string
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly Env: readonly string[]
  readonly Hostname: string
  readonly User: string
  readonly WorkingDir: string
  readonly Labels: Readonly<Record<string, string>>
  readonly Healthcheck: { readonly Test: readonly string[] }
  /** An engine that stops for good asks nobody to end: the supervisor is deaf to it. */
  readonly StopSignal: string
  readonly HostConfig: Readonly<Record<string, unknown>>
}

/**
 * What building software needs of root's powers, and nothing else: give files away and read them
 * (CHOWN, DAC_OVERRIDE, FOWNER), become another user as apt does with `_apt` and package scripts do
 * (SETUID, SETGID), and stop what those run (KILL). Tried with Debian 12: apt-get installs git, sudo,
 * openssh-client and postgresql-common under these; packages that set file capabilities do without.
 */
const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETUID', 'SETGID', 'KILL']

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

/**
 * The container of one job: idle, root inside with few powers, no folder of the machine but its
 * workspace and, read-only, its control folder.
 *
 * It is not removed by the engine when it ends (AutoRemove), so that one that died can be asked why;
 * the sandbox's disposal removes it, or the next start of the same runner.
 */
export function containerSettings(
  image: string,
  spec: SandboxSpec & { readonly control: string },
  options: ProfileOptions,
): ContainerSettings {
  const { limits, workspace, control, network } = spec
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
    Hostname: 'narwhal',
    // The image's own user could neither write into the workspace nor install packages.
    User: '0:0',
    WorkingDir: WORKSPACE,
    Labels: { [SANDBOX_LABEL]: spec.name, [RUNNER_LABEL]: options.instance },
    Healthcheck: { Test: ['NONE'] },
    StopSignal: 'SIGKILL',
    HostConfig: {
      Mounts: [
        { Type: 'bind', Source: workspace, Target: WORKSPACE },
        { Type: 'bind', Source: control, Target: CONTROL_DIR, ReadOnly: true },
      ],
      CapDrop: ['ALL'],
      CapAdd: CAPABILITIES,
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      ...(network === 'none' ? { NetworkMode: 'none' } : {}),
      Init: true,
      IpcMode: 'private',
      CgroupnsMode: 'private',
      ...limitSettings(limits),
      Ulimits: [
        { Name: 'nofile', Soft: OPEN_FILES, Hard: OPEN_FILES },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      LogConfig: { Type: 'none' },
    },
  }
}
