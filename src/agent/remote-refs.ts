import { refKey } from '../core/commit-event.ts'
import type { RepositoryId } from '../core/ids.ts'
import { SerialQueue } from '../lib/async/serial-queue.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { GitEnv } from '../lib/git/git.ts'
import { listRemote } from '../lib/git/list-remote.ts'
import type { Reads } from '../store/store.ts'
import { cloneOf } from '../vault/git-credentials.ts'
import type { Vault } from '../vault/vault.ts'

/** Forges wait ten seconds for an answer to a webhook. */
const LONGEST_MS = 5_000
const MAX_CONCURRENT = 4

/** Where a ref of a repository is now. */
export interface RefFinder {
  /** The commit, or '' if there is no such ref; rejects if the git server can't be asked in time. */
  find(repositoryId: RepositoryId, ref: string): Promise<string>
}

/** Asks git servers about single refs, a few at a time, and once for those who ask at the same time. */
export class RemoteRefs implements RefFinder {
  readonly #store: Reads<'repositories'>
  readonly #vault: Vault
  readonly #gitEnv: GitEnv
  readonly #asking = new Map<string, Promise<string>>()
  readonly #lanes = Array.from({ length: MAX_CONCURRENT }, () => new SerialQueue())
  #turn = 0

  constructor(deps: {
    readonly store: Reads<'repositories'>
    readonly vault: Vault
    readonly gitEnv: GitEnv
  }) {
    this.#store = deps.store
    this.#vault = deps.vault
    this.#gitEnv = deps.gitEnv
  }

  find(repositoryId: RepositoryId, ref: string): Promise<string> {
    const key = refKey(repositoryId, ref)
    const asking = this.#asking.get(key) ?? this.#ask(repositoryId, ref)
    this.#asking.set(key, asking)
    return asking.finally(() => this.#asking.delete(key))
  }

  #ask(repositoryId: RepositoryId, ref: string): Promise<string> {
    const signal = AbortSignal.timeout(LONGEST_MS)
    const lane = this.#lanes[this.#turn++ % MAX_CONCURRENT] ?? new SerialQueue()
    return lane.run(async () => {
      signal.throwIfAborted()
      const repository = await this.#store.repositories.find(repositoryId)
      if (!repository) throw new NarwhalError('not_found', `there is no repository ${repositoryId}`)
      const options = { env: this.#gitEnv, signal }
      const refs = await listRemote(cloneOf(this.#vault, repository), [ref], options)
      return refs.get(ref) ?? ''
    })
  }
}
