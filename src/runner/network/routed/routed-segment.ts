import type { EngineNetwork } from '../job-networks.ts'
import type { JobSegment, SegmentSpec } from '../segment.ts'
import { disposedBy, namespacesOf, openSegment } from '../segments/open-segment.ts'
import { enterBy, type JobNamespace } from './namespaces.ts'

export interface RoutedSegmentDeps {
  readonly take: () => Promise<JobNamespace>
  /** Never rejects; `services` are the names of further namespaces. */
  readonly remove: (name: string, services: readonly string[]) => Promise<void>
  /** A range of addresses for the services of a job, until its release by the bridge's name. */
  readonly reserve: () => EngineNetwork
  readonly release: (bridge: string) => void
  readonly resolvConf: string
  readonly notes: readonly string[]
}

/**
 * A job's namespace as any other's, with its services behind it: what they send leaves by the job's interface,
 * under the job's address.
 */
export async function openRoutedSegment(
  spec: SegmentSpec,
  deps: RoutedSegmentDeps,
): Promise<JobSegment> {
  await using stack = new AsyncDisposableStack()
  const network = spec.services.length === 0 ? undefined : deps.reserve()
  if (network) stack.defer(() => deps.release(network.bridge))
  const { name, enter, address } = await deps.take()
  stack.defer(() => deps.remove(name, namespacesOf(spec, name)))
  const place = (one: string) => ({ enter: enterBy(one), netns: `/run/netns/${one}` })
  const opened = await openSegment(spec, {
    ground: {
      ...place(name),
      address,
      resolvConf: deps.resolvConf,
      administer: enter,
      named: place,
    },
    subnet: network?.subnet ?? '',
    mtu: network?.mtu ?? 0,
    prefix: name,
    notes: deps.notes,
  })
  const owned = stack.move()
  return disposedBy(opened, () => owned.disposeAsync())
}
