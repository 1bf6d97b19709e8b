import { listNames, type MachineFacts, readSetting, writeSetting } from '../machine.ts'
import type { Guard } from './rules.ts'

/**
 * Makes the machine forward packets for its jobs, on its uplinks only. Uplinks that did not forward before
 * are *guarded*: a rule lets them forward for jobs only. The machine-wide switch (`ip_forward`) is left
 * alone: with it, any neighbour could use the machine as a router.
 */
export class Forwarding {
  readonly #id: string
  /** Those whose setting was changed, by the file of the setting. */
  readonly #opened = new Set<string>()

  /** What a previous process has opened and guarded: its table as listed by nft; empty: none. */
  readonly #former: string

  constructor(id: string, former: string) {
    this.#id = id
    this.#former = former
  }

  /** Whether IPv6 packets can be forwarded without changing the whole machine. */
  static async canForwardIpv6(): Promise<boolean> {
    if ((await readSetting('ipv6/conf/all/forwarding')) === '1') return true
    return (await readSetting('ipv6/conf/all/force_forwarding')) !== undefined
  }

  /** Opens the uplinks, and returns which of them need a guard. */
  async open({ uplinks }: MachineFacts, ipv6: boolean): Promise<readonly Guard[]> {
    const guards: Guard[] = []
    const hasOthers = (await this.#others()) > 0
    const families = [
      { family: 'ipv4', all: 'ipv4/conf/all/forwarding', name: 'forwarding' },
      ...(ipv6
        ? [{ family: 'ipv6', all: 'ipv6/conf/all/forwarding', name: 'force_forwarding' } as const]
        : []),
    ] as const
    for (const { family, all, name } of families) {
      if ((await readSetting(all)) === '1') continue
      for (const uplink of uplinks) {
        const setting = `${family}/conf/${uplink}/${name}`
        const now = await readSetting(setting)
        if (now === undefined) continue
        if (now === '0') await writeSetting(setting, '1')
        const isFormer = this.#former.includes(`meta nfproto ${family} iifname "${uplink}" oifname`)
        if (now === '0' || isFormer) this.#opened.add(setting)
        // What another Narwhal has opened is not meant for everybody either.
        if (this.#opened.has(setting) || hasOthers) guards.push({ family, interface: uplink })
      }
    }
    return guards
  }

  /** Restores what was changed, unless other Narwhals of the machine need it. */
  async close(): Promise<void> {
    if ((await this.#others()) > 0) return
    for (const setting of this.#opened) await writeSetting(setting, '0').catch(() => {})
  }

  async #others(): Promise<number> {
    const { links } = await listNames('nw')
    return links.filter((name) => /^nw[0-9a-f]{6}r$/.test(name) && !name.includes(this.#id)).length
  }
}
