import type { Audience } from './routed/rules.ts'

/** What the containers of one job need of a network. */
export interface SegmentSpec {
  readonly audience: Audience
  /** `outside`: what the runner's jobs may reach; `none`: nothing but each other. */
  readonly reach: 'outside' | 'none'
  /** The host name of the job's own containers. */
  readonly hostname: string
  /** Their names are unique host names of one label. */
  readonly services: readonly SegmentService[]
}

export interface SegmentService {
  readonly name: string
  /** Where it listens, as far as known; reached at the job's `localhost` as well. */
  readonly ports: readonly ServicePort[]
}

export interface ServicePort {
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
}

/**
 * The network of one job in containers of this machine, without an engine: a namespace for the job, and one
 * for each service, on a bridge of their own. Disposed of once all processes in them have ended; the disposal
 * never rejects, and leaves nothing.
 */
export interface JobSegment extends AsyncDisposable {
  /**
   * `job`: each place is a namespace; `machine`: the machine's own network, without namespaces; `none`: an
   * empty namespace, which the container's runtime makes. There are services with `job` only.
   */
  readonly kind: 'job' | 'machine' | 'none'
  /** Where all containers of the job's steps are. */
  readonly job: SegmentPlace
  /** Where a service of the spec is. */
  place(service: string): SegmentPlace
  /** Adds ports of a service, such as those that its image exposes. */
  expose(service: string, ports: readonly ServicePort[]): Promise<void>
  /** For the job's log; they follow `expose`. */
  readonly notes: readonly string[]
}

export interface SegmentPlace {
  /**
   * The command prefix for a program in it, as root of the user namespace that owns it. If the runner is an
   * ordinary user, that is one of its own, with as many ids as the user has: containers are started in it,
   * not in another. Empty unless the segment's kind is `job`.
   */
  readonly enter: readonly string[]
  /** Path of the network namespace; absent unless the segment's kind is `job`. */
  readonly netns?: string
  /** Its IPv4 address, at which the others reach it; absent unless it has one. */
  readonly address?: string
  /** Lines of its /etc/hosts: all of them. */
  readonly hosts: readonly string[]
  /** Content of its /etc/resolv.conf; absent: the machine's. */
  readonly resolvConf?: string
}
