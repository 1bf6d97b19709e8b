import { cloneHost } from '../../lib/git/clone-host.ts'
import { parseCloneUrl } from '../../lib/git/git.ts'
import type { Found } from '../../lib/git/git-way.ts'
import { type Hosts, nearest } from '../../lib/reach/hosts.ts'
import type { Nearness } from '../../lib/reach/reach.ts'
import { type FetchPolicy, isNamed } from './fetch-policy.ts'

/** Resolves hosts that are named by a commit, or by a server that it leads to. */
export class FetchHosts {
  readonly #policy: FetchPolicy
  readonly #hosts: Hosts
  /** The nearness of the repository itself. */
  #own: Promise<Nearness> | undefined

  constructor(policy: FetchPolicy, hosts: Hosts) {
    this.#policy = policy
    this.#hosts = hosts
  }

  /**
   * The addresses of a URL's host. `by`: the nearness of the server that names it, which may lead no
   * further into the network than it is itself, except to a host that the operator has allowed by
   * name. Rejects as `Hosts.find` does.
   */
  async find(url: URL, by?: Nearness): Promise<Found> {
    const isFree = by === undefined || isNamed(url, this.#policy)
    return await (isFree ? this.#hosts : this.#hosts.atMost(by)).find(url.hostname)
  }

  /**
   * The hosts for a submodule's repository: no nearer than the repository that has it, even if any host
   * is allowed. Undefined if there is no such bound.
   */
  async forSubmodule(
    url: string,
  ): Promise<{ readonly bound: Nearness; readonly hosts: Hosts } | undefined> {
    // A URL by ssh is at the repository's own host.
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
