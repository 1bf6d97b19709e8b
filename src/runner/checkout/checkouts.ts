import type { CommitSource } from '../../contract/rpc/attempt.ts'
import type { CloneSpec } from '../../core/plan/plan.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import { present } from '../../lib/present.ts'
import type { MirrorCache } from '../mirror/mirror-cache.ts'
import { type CheckedOut, checkOutSubmodules } from './check-out-submodules.ts'
import { checkOut } from './checkout.ts'
import { type CheckoutLimits, TreeSizes } from './checkout-limits.ts'
import { pullLfs } from './lfs/pull-lfs.ts'

export interface CheckoutRules {
  /** For each repository in a workspace. */
  readonly limits: CheckoutLimits
  /** Hosts from which commits may have submodules and files fetched, besides their own host. */
  readonly fetchHosts: readonly string[]
}

/** Checks out commits from the mirrors, with their submodules and Git LFS files. */
export class Checkouts {
  readonly #mirrors: MirrorCache
  readonly #env: GitEnv
  readonly #rules: CheckoutRules
  readonly #sizes: TreeSizes

  constructor(mirrors: MirrorCache, env: GitEnv, rules: CheckoutRules) {
    this.#mirrors = mirrors
    this.#env = env
    this.#rules = rules
    this.#sizes = new TreeSizes(rules.limits)
  }

  /**
   * Checks out the commit, which is in its mirror, into an existing folder that is empty except for
   * what an earlier try left; then its submodules and Git LFS files, if requested. Rejects with
   * `too_large` above the limits, `invalid` for what may not be fetched.
   */
  async checkOut(
    commit: CommitSource,
    folder: string,
    {
      clone = {},
      signal,
    }: { readonly clone?: CloneSpec | undefined; readonly signal: AbortSignal },
  ): Promise<void> {
    const root = { commit, folder }
    const { cloneUrl, isStranger = false } = commit
    const one = (checkedOut: CheckedOut) => this.#one(checkedOut, { clone, isStranger, signal })
    await one(root)
    if (!clone.submodules && !clone.lfs) return
    const policy = { cloneUrl, isStranger, hosts: this.#rules.fetchHosts }
    const common = { mirrors: this.#mirrors, policy, env: this.#env, signal }
    const modules = clone.submodules
      ? await checkOutSubmodules(root, { ...common, checkOut: one })
      : []
    if (!clone.lfs) return
    const maxBytes = this.#rules.limits.bytes
    for (const each of [root, ...modules]) await pullLfs(each, { ...common, maxBytes })
  }

  async #one({ commit, folder }: CheckedOut, { clone, isStranger, signal }: How): Promise<void> {
    const { depth } = clone
    await this.#mirrors.read(commit, signal, async (mirror, objects) => {
      // Concurrently: a commit that is too large is found long before git has written much of it.
      const stop = new AbortController()
      const either = AbortSignal.any([signal, stop.signal])
      const checking = this.#sizes.check(objects, commit.sha).catch((error: unknown) => {
        stop.abort(error)
        throw error
      })
      const options = { mirror, objects, folder, env: this.#env, signal: either, isStranger }
      const checkingOut = checkOut(commit, { ...options, ...present({ depth }) })
      const ended = await Promise.allSettled([checking, checkingOut])
      for (const one of ended) if (one.status === 'rejected') throw one.reason
    })
  }
}

interface How {
  readonly clone: CloneSpec
  /** Of a submodule: whether the commit that has it is a stranger's. */
  readonly isStranger: boolean
  readonly signal: AbortSignal
}
