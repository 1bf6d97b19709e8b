import { parseImageReference } from '../../../core/image-reference.ts'
import type { ServiceSpec } from '../../../core/plan/plan.ts'
import { present } from '../../../lib/present.ts'
import type { SandboxLimits, SandboxSpec } from '../executor.ts'
import type { ContainerConnection, ContainerSpec } from './container-spec.ts'
import { KEPT_BY_STEPS, KEPT_IN_BACKGROUND } from './steps/launchers.ts'
import { CONTROL_DIR, SUPERVISOR } from './steps/supervisor.ts'

/** Path of the workspace in every sandbox. */
export const WORKSPACE = '/workspace'
export const MASK_FILE = '/narwhal-mask'
/** Of the containers of steps. */
export const STEPS_HOSTNAME = 'narwhal'

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

interface WantedContainer {
  readonly name: string
  readonly limits: SandboxLimits
  readonly connection: ContainerConnection
}

/**
 * A container for steps: idle, root inside with few capabilities, nothing of the machine but its workspace,
 * its mask file and, read-only, its control folder.
 */
export function stepsSpec(
  image: string,
  spec: WantedContainer &
    Pick<SandboxSpec, 'workspace'> & { readonly control: string; readonly maskFile: string },
  runnerIsRoot: boolean,
): ContainerSpec {
  const { name, limits, workspace, control, maskFile, connection } = spec
  return {
    sandbox: name,
    image,
    entrypoint: ['/bin/sh'],
    command: ['-c', SUPERVISOR],
    env: runnerIsRoot ? {} : safeWorkspace(),
    // A container that shares another's network has its hostname.
    ...(connection.kind === 'as' ? {} : { hostname: STEPS_HOSTNAME }),
    // The image's own user could neither write to the workspace nor install packages.
    user: '0:0',
    folder: WORKSPACE,
    mounts: [
      { source: workspace.path, target: WORKSPACE },
      { source: control, target: CONTROL_DIR, isReadOnly: true },
      { source: maskFile, target: MASK_FILE },
    ],
    limits,
    openFiles: OPEN_FILES,
    capabilities: [...CAPABILITIES, KEPT_BY_STEPS.name, KEPT_IN_BACKGROUND.name],
    init: true,
    endsByKillOnly: true,
    connection,
  }
}

/** The checkout belongs to another user than root; git would refuse to work in it ("dubious ownership"). */
function safeWorkspace(): Readonly<Record<string, string>> {
  return {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: WORKSPACE,
  }
}

/**
 * The container of a service: as its image defines it, including the user, with the limits of a job, and
 * without the workspace. None of its ports is published on the machine.
 */
export function serviceSpec(
  { name, image, env, command }: ServiceSpec,
  spec: WantedContainer,
): ContainerSpec {
  const { limits, connection } = spec
  return {
    sandbox: spec.name,
    part: name,
    image: parseImageReference(image).full,
    ...present({ command }),
    env,
    hostname: name,
    mounts: [],
    limits,
    openFiles: OPEN_FILES,
    capabilities: SERVICE_CAPABILITIES,
    // Images with an init of their own insist on being process 1.
    init: false,
    connection,
    aliases: [name],
  }
}

/** Checks a service from its network, with a shell of another image. */
export function probeSpec(image: string, script: string, spec: WantedContainer): ContainerSpec {
  const { name, limits, connection } = spec
  return {
    sandbox: name,
    part: 'ready',
    image,
    entrypoint: ['/bin/sh'],
    command: ['-c', script],
    env: {},
    user: '0:0',
    mounts: [],
    limits,
    openFiles: OPEN_FILES,
    capabilities: CAPABILITIES,
    init: true,
    endsByKillOnly: true,
    connection,
  }
}
