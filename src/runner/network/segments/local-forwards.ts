import { SerialQueue } from '../../../lib/async/serial-queue.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { runInside } from '../inside.ts'
import type { SegmentService, ServicePort } from '../segment.ts'
import { planForwards } from './forwards.ts'

/** The table of rules in a job's namespace. */
export const TABLE = 'inet services'
/** Its maps of ports to the addresses of services. */
export const PORT_MAPS: Readonly<Record<ServicePort['protocol'], string>> = {
  tcp: 'tcp_ports',
  udp: 'udp_ports',
}

/** What a job's `localhost` leads to, which follows what is known of the ports of its services. */
export class LocalForwards {
  /** As `SegmentGround.administer`. */
  readonly #administer: readonly string[]
  /** Of the services, by name. */
  readonly #addresses: ReadonlyMap<string, string>
  readonly #ports: Map<string, readonly ServicePort[]>
  readonly #changes = new SerialQueue()

  constructor(
    services: readonly SegmentService[],
    addresses: ReadonlyMap<string, string>,
    administer: readonly string[],
  ) {
    this.#addresses = addresses
    this.#administer = administer
    this.#ports = new Map(services.map(({ name, ports }) => [name, ports]))
  }

  /** For the job's log. */
  get notes(): readonly string[] {
    return planForwards(this.#services).notes
  }

  /** The commands of nft that fill the maps, which are empty. */
  get elements(): readonly string[] {
    const { forwards } = planForwards(this.#services)
    return (['tcp', 'udp'] as const).flatMap((protocol) => {
      const all = forwards
        .filter((one) => one.protocol === protocol)
        .map(({ port, service }) => `${port} : ${this.#addresses.get(service)}`)
      if (all.length === 0) return []
      return [`add element ${TABLE} ${PORT_MAPS[protocol]} { ${all.join(', ')} }`]
    })
  }

  /** Adds ports of a service. */
  async expose(service: string, ports: readonly ServicePort[]): Promise<void> {
    await this.#changes.run(async () => {
      const known = this.#ports.get(service)
      if (!known) throw new NarwhalError('internal', `service ${service} is not of this job`)
      const before = this.elements.join()
      this.#ports.set(service, [...known, ...ports])
      if (this.elements.join() === before) return
      const flush = Object.values(PORT_MAPS).map((map) => `flush map ${TABLE} ${map}`)
      await runInside(this.#administer, [nft([...flush, ...this.elements])])
    })
  }

  get #services(): readonly SegmentService[] {
    return [...this.#ports].map(([name, ports]) => ({ name, ports }))
  }
}

/** A command of a shell that runs commands of nft, all or none. */
export function nft(commands: readonly string[]): string {
  return `nft -f - <<'END'\n${commands.join('\n')}\nEND`
}
