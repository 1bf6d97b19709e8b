import { isIPv6 } from 'node:net'

const WINDOW_MS = 60_000
/** In a minute; a forge whose secret was entered wrongly hardly sends as many. */
const MOST = 30
/** What is known of the address that was there first gives way to a new one. */
const MOST_ADDRESSES = 10_000

interface Tries {
  count: number
  readonly since: number
}

/**
 * Counts, for each address, webhooks with a wrong signature within a minute. Who has sent too many is told so
 * instead of why, and is not listened to with large bodies: what is small is still looked at, since all
 * of the world may come from the address of one proxy.
 */
export class WrongSignatures {
  readonly #now: () => number
  readonly #byAddress = new Map<string, Tries>()

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** How many addresses are known; never more than 10,000. */
  get size(): number {
    return this.#byAddress.size
  }

  /** Milliseconds until the address is listened to again; 0: it has not sent too many. */
  waitMs(address: string): number {
    const tries = this.#recent(network(address))
    return tries && tries.count >= MOST ? tries.since + WINDOW_MS - this.#now() : 0
  }

  note(address: string): void {
    const key = network(address)
    const tries = this.#recent(key)
    if (tries) {
      tries.count++
      return
    }
    if (this.#byAddress.size >= MOST_ADDRESSES) {
      const [first = ''] = this.#byAddress.keys()
      this.#byAddress.delete(first)
    }
    this.#byAddress.set(key, { count: 1, since: this.#now() })
  }

  #recent(key: string): Tries | undefined {
    const tries = this.#byAddress.get(key)
    if (!tries || this.#now() - tries.since < WINDOW_MS) return tries
    this.#byAddress.delete(key)
    return undefined
  }
}

/** Whoever has one address of IPv6 has the 2^64 beside it, too. */
function network(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address
  const [head = '', tail = ''] = address.split('::')
  const first = head.split(':')
  const zeros = Array<string>(8 - first.length - (tail ? tail.split(':').length : 0)).fill('0')
  const all = address.includes('::') ? [...first, ...zeros] : first
  return all.slice(0, 4).join(':')
}
