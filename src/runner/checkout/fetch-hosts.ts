import { cloneHost } from '../../lib/git/clone-host.ts'
import { parseCloneUrl } from '../../lib/git/git.ts'
import type { Found } from '../../lib/git/git-way.ts'
import { type Hosts, nearest } from '../../lib/reach/hosts.ts'
import type { Nearness } from '../../lib/reach/reach.ts'
import { type FetchPolicy, isNamed } from './fetch-policy.ts'

/** Finds the hosts that are asked because a commit, or a server that it leads to, names them. */
export class FetchHosts {
  readonly #policy: FetchPolicy
  readonly #hosts: Hosts
  /** How near the repository itself is. */
  #own: Promise<Nearness> | undefined

  constructor(policy: FetchPolicy, hosts: Hosts) {
    this.#policy = policy
    this.#hosts = hosts
  }

  /**
   * Where a URL's host is. `by`: how near the server is that names it, which leads no further in than it is
   * itself, but to a host that the operator has named. Rejects as `Hosts.find` does.
   */
  async find(url: URL, by?: Nearness): Promise<Found> {
    const isFree = by === undefined || isNamed(url, this.#policy)
    return await (isFree ? this.#hosts : this.#hosts.atMost(by)).find(url.hostname)
  }

  /**
   * Where the repository of a submodule may be: no nearer than the one that has it, though any host be allowed.
   * Undefined where there is no such bound.
   */
  async forSubmodule(
    url: string,
  ): Promise<{ readonly bound: Nearness; readonly hosts: Hosts } | undefined> {
    // By ssh it is at the repository's own host.
    if (!/^https?:/.test(url) || isNamed(new URL(url), this.#policy)) return undefined
    this.#own ??= this.#findOwn()
    const bound = await this.#own
    return bound === 'own' ? undefined : { bound, hosts: this.#hosts.atMost(bound) }
  }

  async #findOwn(): Promise<Nearness> {
    const { cloneUrl } = this.#policy
    return parseCloneUrl(cloneUrl).local
      ? 'own'
      : nearest(await this.#hosts.find(cloneHost(cloneUrl)))
  }
}
