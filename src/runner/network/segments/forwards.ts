import type { SegmentService, ServicePort } from '../segment.ts'

/** A port at the job's `localhost` that leads to a service. */
export interface Forward extends ServicePort {
  readonly service: string
}

/**
 * The ports of services that `localhost` leads to: those that one service has. Of those that several have, none
 * would be the right one. `notes` are for the job's log.
 */
export function planForwards(services: readonly SegmentService[]): {
  readonly forwards: readonly Forward[]
  readonly notes: readonly string[]
} {
  const owners = new Map<string, Forward[]>()
  for (const { name, ports } of services) {
    for (const one of ports) {
      const key = `${one.protocol} ${one.port}`
      const all = owners.get(key) ?? []
      // An image may expose what `ports` names as well.
      if (all.some(({ service }) => service === name)) continue
      owners.set(key, [...all, { ...one, service: name }])
    }
  }
  const all = [...owners.values()]
  const single = all.filter((same) => same.length === 1)
  const shared = all.filter((same) => same.length > 1)
  const notes = [
    ...(single.length === 0 ? [] : [`localhost leads to services: ${inWords(single)}`]),
    ...(shared.length === 0
      ? []
      : [`several services have the same port, and are reached by name only: ${inWords(shared)}`]),
  ]
  return { forwards: single.flat(), notes }
}

/** Such as `5432 (db), 53/udp (names)`. */
function inWords(ports: readonly (readonly Forward[])[]): string {
  return ports
    .map((same) => {
      const [first] = same
      const port = first?.protocol === 'udp' ? `${first.port}/udp` : `${first?.port}`
      return `${port} (${same.map(({ service }) => service).join(', ')})`
    })
    .join(', ')
}

/** Reads exposed ports of an image (`5432/tcp`, `53/udp`, `80`); what is no port is left out. */
export function exposedPorts(exposed: readonly string[]): readonly ServicePort[] {
  return exposed.flatMap((text): readonly ServicePort[] => {
    const [, digits, protocol = 'tcp'] = /^([0-9]{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? []
    const port = Number(digits)
    const isPort = port > 0 && port < 65_536
    return isPort && (protocol === 'tcp' || protocol === 'udp') ? [{ port, protocol }] : []
  })
}
