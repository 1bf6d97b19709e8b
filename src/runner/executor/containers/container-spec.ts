import type { SandboxLimits } from '../executor.ts'

/** Everything an engine needs to know of a container before it creates it. */
export interface ContainerSpec {
  /** Identifies the attempt, in labels and messages. */
  readonly sandbox: string
  /** What it is in its sandbox, such as the name of a service; absent: the place of its steps. */
  readonly part?: string
  /** The full reference of its image, or the engine's id of it. */
  readonly image: string
  /** Absent: the image's. */
  readonly entrypoint?: readonly string[]
  /** Absent: the image's. */
  readonly command?: readonly string[]
  /** In addition to what the image sets. */
  readonly env: Readonly<Record<string, string>>
  /** Absent: the engine's choice, or that of the container whose network it shares. */
  readonly hostname?: string
  /** As `uid:gid`; absent: the image's. */
  readonly user?: string
  /** Its working directory; absent: the image's. */
  readonly folder?: string
  readonly mounts: readonly ContainerMount[]
  readonly limits: SandboxLimits
  /** How many files each of its processes may have open. */
  readonly openFiles: number
  /** By their names without `CAP_`; all others are dropped. */
  readonly capabilities: readonly string[]
  /** Whether a small init is its first process, which reaps orphans; else its own command is. */
  readonly init: boolean
  /** Whether it ignores every signal but KILL, so that nobody needs to wait for it when the engine stops. */
  readonly endsByKillOnly?: true
  readonly connection: ContainerConnection
  /** Further names under which the others in its network find it. */
  readonly aliases?: readonly string[]
}

/** A file or folder of this machine that a container sees. */
export interface ContainerMount {
  readonly source: string
  readonly target: string
  readonly isReadOnly?: true
}

/** How a container is connected. */
export type ContainerConnection =
  | { readonly kind: 'none' }
  /** Shares the network namespace of this container: the same addresses, ports and names. */
  | { readonly kind: 'as'; readonly container: string }
  | ({ readonly kind: 'network' } & ContainerNetwork)
  | ({ readonly kind: 'place' } & ContainerPlace)

/** A network of this machine in which the runner itself starts the container. */
export interface ContainerPlace {
  /** The command prefix for a program in it; empty: the machine's own network. */
  readonly enter: readonly string[]
  /** Lines of /etc/hosts: all of them. */
  readonly hosts: readonly string[]
  /** Content of /etc/resolv.conf; absent: the machine's. */
  readonly resolvConf?: string
  /** If set, it does not exist yet: an empty network namespace of the container's own. */
  readonly isNew?: true
  /** Called with what the container's image exposes (`5432/tcp`), before it is created. */
  readonly expose?: (ports: readonly string[]) => Promise<void>
}

/** A network that the engine has made, for one job and its services. */
export interface ContainerNetwork {
  readonly network: string
  /** Nothing outside is reachable from it. */
  readonly isInternal: boolean
  /** The name server for the outside; absent: the machine's own. */
  readonly resolver?: string
}
