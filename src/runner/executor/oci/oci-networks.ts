import type { ServiceSpec } from '../../../core/plan/plan.ts'
import { present } from '../../../lib/present.ts'
import type { NetworkSource } from '../../network/network-source.ts'
import type { JobSegment, SegmentPlace, SegmentService } from '../../network/segment.ts'
import { exposedPorts } from '../../network/segments/forwards.ts'
import {
  audienceOf,
  type ContainerNetworks,
  type JobPlace,
  type PlaceSpec,
} from '../containers/container-networks.ts'
import { STEPS_HOSTNAME } from '../containers/container-profile.ts'
import type { ContainerConnection } from '../containers/container-spec.ts'

/** The networks of jobs whose containers the runner starts itself: those of the runner. */
export class OciNetworks implements ContainerNetworks {
  readonly #source: Pick<NetworkSource, 'get'>

  constructor(source: Pick<NetworkSource, 'get'>) {
    this.#source = source
  }

  async check({ isStranger, network }: PlaceSpec): Promise<void> {
    if (network === 'none') return
    await (await this.#source.get()).check(audienceOf(isStranger))
  }

  async take({ network, isStranger, services = [] }: PlaceSpec): Promise<JobPlace> {
    const networks = await this.#source.get()
    const segment = await networks.segment({
      audience: audienceOf(isStranger),
      reach: network === 'none' ? 'none' : 'outside',
      hostname: STEPS_HOSTNAME,
      services: services.map(segmentService),
    })
    const { kind, job } = segment
    return {
      connection: connectionOf(job, kind),
      get notes() {
        return segment.notes
      },
      ofService: async (name) => ({
        ...connectionOf(segment.place(name), kind),
        expose: (ports: readonly string[]) => segment.expose(name, exposedPorts(ports)),
      }),
      release: async () => segment[Symbol.asyncDispose](),
    }
  }

  async prepare(): Promise<void> {}

  /** They are removed by the runner's networks. */
  async reap(): Promise<void> {}

  async removeLeft(): Promise<void> {}

  async close(): Promise<void> {}
}

function connectionOf(
  { enter, hosts, resolvConf }: SegmentPlace,
  kind: JobSegment['kind'],
): ContainerConnection {
  return {
    kind: 'place',
    enter,
    hosts,
    ...present({ resolvConf }),
    ...(kind === 'none' ? { isNew: true } : {}),
  }
}

function segmentService({ name, ready }: ServiceSpec): SegmentService {
  const ports = ready && 'ports' in ready ? ready.ports : []
  return { name, ports: ports.map((port) => ({ port, protocol: 'tcp' })) }
}
