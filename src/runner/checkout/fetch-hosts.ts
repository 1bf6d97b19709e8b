import type { Found } from '../../lib/git-way.ts'
import type { Hosts } from '../../lib/hosts.ts'
import type { Nearness } from '../../lib/reach.ts'
import { type FetchPolicy, isNamed } from './fetch-policy.ts'

/** Finds the hosts that are asked because a commit, or a server that it leads to, names them. */
export class FetchHosts {
  readonly #policy: FetchPolicy
  readonly #hosts: Hosts

  constructor(policy: FetchPolicy, hosts: Hosts) {
    this.#policy = policy
    this.#hosts = hosts
  }

  /**
   * Where a URL's host is. `by`: how near the server is that names it, which leads no further in than it is
   * itself, but to a host that the operator has named. Rejects as `Hosts.find` does.
   */
  async find(url: URL, by?: Nearness): Promise<Found> {
    return await this.at(url, by).find(url.hostname)
  }

  /** The same for who looks up by itself. */
  at(url: URL, by?: Nearness): Hosts {
    const isFree = by === undefined || isNamed(url, this.#policy)
    return isFree ? this.#hosts : this.#hosts.atMost(by)
  }
}
