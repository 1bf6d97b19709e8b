import type { SandboxLimits } from '../../executor.ts'
import type { ContainerRights } from './capabilities.ts'
import type { IdMap } from './id-map.ts'
import type { OciRlimit, OciSeccomp } from './oci-json.ts'
import type { ContainerUser } from './users/container-user.ts'

/** What a container is made of, with everything looked up that needs looking up. */
export interface OciWanted {
  /** The mounted root file system. */
  readonly root: string
  readonly args: readonly string[]
  /** `NAME=value`; see container-env.ts. */
  readonly env: readonly string[]
  /** Absolute; created by the runtime if the image lacks it. */
  readonly folder: string
  readonly user: ContainerUser
  readonly rights: ContainerRights
  readonly hostname: string
  readonly network: ContainerNetwork
  /** Absent: the runtime's own user namespace, whatever it maps. */
  readonly idMap?: IdMap
  /** Absent where there is no control group: then nothing is limited, and nothing says so but the caller. */
  readonly bounds?: { readonly limits: SandboxLimits; readonly cgroup: string }
  /** From `rlimitsOf`. */
  readonly rlimits: readonly OciRlimit[]
  /** In this order, after the container's own file systems. */
  readonly mounts: readonly BindMount[]
  readonly names?: NameFiles
  /** 64 MB if absent. Counts as memory of the container. */
  readonly shmBytes?: number
  readonly seccomp: SeccompWay
  /** From `oomScoreOf`; absent: the runner's own. */
  readonly oomScore?: number
}

export type ContainerNetwork =
  /** A namespace of its own, with a loopback interface that is down. */
  | { readonly kind: 'new' }
  /**
   * A namespace of the machine. If it belongs to another user namespace than the container's, the kernel
   * refuses a new sysfs there: then `sysfs` is the path of one that was mounted from within that namespace.
   */
  | { readonly kind: 'path'; readonly path: string; readonly sysfs?: string }
  /** The runtime is started in it already. */
  | { readonly kind: 'joined'; readonly sysfs?: string }

/** A file or folder of the machine, shown in the container. */
export interface BindMount {
  readonly source: string
  readonly target: string
  readonly isReadOnly?: boolean
  /**
   * Whether the container's ids are those of the files on disk, in spite of its user namespace; crun only, on file
   * systems that can map ids.
   */
  readonly keepsIds?: boolean
}

/** Files of this container only, writable for its root as in Docker. */
export interface NameFiles {
  readonly hosts: string
  readonly hostname: string
  readonly resolvConf: string
}

export type SeccompWay =
  | { readonly kind: 'profile'; readonly profile: OciSeccomp }
  /** For crun only: runc ignores it, and would run without a filter. */
  | { readonly kind: 'compiled'; readonly program: Uint8Array }
