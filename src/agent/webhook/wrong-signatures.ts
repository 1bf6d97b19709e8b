import { isIPv6 } from 'node:net'

const WINDOW_MS = 60_000
/** Per minute; a misconfigured forge sends far fewer. */
const MAX_WRONG = 30
/** Beyond this the oldest address is evicted. */
const MAX_ADDRESSES = 10_000

interface Tries {
  count: number
  readonly since: number
}

/**
 * Counts webhooks with a wrong signature within a minute, by address. Beyond the limit an address gets
 * 429, and its large bodies are rejected unread; small ones are still checked, since everyone may come
 * from the address of one proxy.
 */
export class WrongSignatures {
  readonly #now: () => number
  readonly #byAddress = new Map<string, Tries>()

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** The number of tracked addresses, at most 10,000. */
  get size(): number {
    return this.#byAddress.size
  }

  /** Milliseconds until the address is no longer throttled; 0: it is not. */
  waitMs(address: string): number {
    const tries = this.#recent(network(address))
    return tries && tries.count >= MAX_WRONG ? tries.since + WINDOW_MS - this.#now() : 0
  }

  note(address: string): void {
    const key = network(address)
    const tries = this.#recent(key)
    if (tries) {
      tries.count++
      return
    }
    if (this.#byAddress.size >= MAX_ADDRESSES) {
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

/** For IPv6 the /64 prefix: its owner has all addresses in it. */
function network(address: string): string {
  if (!isIPv6(address) || address.includes('.')) return address
  const [head = '', tail = ''] = address.split('::')
  const first = head.split(':')
  const zeros = Array<string>(8 - first.length - (tail ? tail.split(':').length : 0)).fill('0')
  const all = address.includes('::') ? [...first, ...zeros] : first
  return all.slice(0, 4).join(':')
}
