import { NarwhalError } from '../../../lib/errors.ts'
import { runInside } from '../inside.ts'
import { spanOf, toAddress } from '../ranges.ts'
import type { JobSegment, SegmentPlace, SegmentSpec } from '../segment.ts'
import { hasIpv6Loopback, hostsLines } from './hosts.ts'
import { LocalForwards } from './local-forwards.ts'
import { segmentScript } from './segment-script.ts'

/** A namespace of a job in which a segment is made. */
export interface SegmentGround {
  readonly enter: readonly string[]
  readonly netns: string
  /** Its address, if the job has no services. */
  readonly address?: string
  readonly resolvConf: string
  /** As `enter`, where `ip netns` finds the namespaces of services. */
  readonly administer: readonly string[]
  /** How to enter one of those by its name, and where it is. */
  readonly named: (name: string) => Pick<SegmentPlace, 'enter' | 'netns'>
}

export interface SegmentParts {
  readonly ground: SegmentGround
  /** Of its bridge: nobody else in reach of the job has these addresses. */
  readonly subnet: string
  readonly mtu: number
  /** The names of the services' namespaces begin with it. */
  readonly prefix: string
  readonly notes: readonly string[]
}

/** The names of the namespaces of its services, which its owner removes with that of the job. */
export function namespacesOf(
  { services }: Pick<SegmentSpec, 'services'>,
  prefix: string,
): readonly string[] {
  return services.map((_, index) => `${prefix}x${index.toString(36)}`)
}

/** Connects the services of a job; if that fails, the owner of the ground removes what there is of it. */
export async function openSegment(
  spec: SegmentSpec,
  parts: SegmentParts,
): Promise<Omit<JobSegment, keyof AsyncDisposable>> {
  const { ground, notes } = parts
  const { enter, netns, resolvConf } = ground
  const hasIpv6 = await hasIpv6Loopback()
  const { hostname, services } = spec
  if (services.length === 0) {
    const { address } = ground
    const named = address === undefined ? [] : [{ address, name: hostname }]
    const hosts = hostsLines(named, hasIpv6)
    const job = { enter, netns, hosts, resolvConf, ...(address === undefined ? {} : { address }) }
    return { kind: 'job', job, place: noPlace, expose: noPlace, notes }
  }
  const { first, last } = spanOf(parts.subnet)
  if (first + services.length + 2 > last) throw noRoom(services.length)
  const address = toAddress(first + 1)
  const namespaces = namespacesOf(spec, parts.prefix)
  const members = services.map(({ name }, index) => ({
    name,
    namespace: namespaces[index] ?? '',
    address: toAddress(first + 2 + index),
  }))
  const addresses = new Map(members.map((member) => [member.name, member.address]))
  const forwards = new LocalForwards(services, addresses, ground.administer)
  const script = segmentScript({
    address,
    prefixLength: 32 - Math.log2(last - first + 1),
    mtu: parts.mtu,
    hasOutside: spec.reach === 'outside',
    services: members,
    forwards: forwards.elements,
  })
  await runInside(ground.administer, script)
  const hosts = hostsLines([...members, { address, name: hostname }], hasIpv6)
  const places = new Map(
    members.map((member): [string, SegmentPlace] => [
      member.name,
      { ...ground.named(member.namespace), address: member.address, hosts, resolvConf },
    ]),
  )
  return {
    kind: 'job',
    job: { enter, netns, address, hosts, resolvConf },
    place: (service) => places.get(service) ?? noPlace(service),
    expose: (service, ports) => forwards.expose(service, ports),
    get notes() {
      return [...notes, ...forwards.notes]
    },
  }
}

/** The segment with its disposal. */
export function disposedBy(
  opened: Omit<JobSegment, keyof AsyncDisposable>,
  dispose: () => Promise<void>,
): JobSegment {
  // Not a copy: its notes change.
  return Object.assign(opened, { [Symbol.asyncDispose]: dispose })
}

export function noPlace(service: string): never {
  throw new NarwhalError('internal', `service ${service} is not of this job`)
}

function noRoom(count: number): NarwhalError {
  return new NarwhalError('too_large', `there are no addresses for ${count} services in one job`)
}
