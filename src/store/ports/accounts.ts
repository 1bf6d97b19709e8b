import type { RepositoryId } from '../../core/ids.ts'
import type { ForgeAccount } from '../../core/stranger/update-bot.ts'
import type { SeenAccount } from '../records.ts'

/** What is known of accounts at forges. */
export interface AccountReader {
  /** Programs that were seen to push to a repository, and accounts that it lists; lately seen ones first, 200 at most. */
  list(repositoryId: RepositoryId): Promise<SeenAccount[]>
  /** Those of the accounts of whom a pull request of the repository was merged. */
  findMerged(repositoryId: RepositoryId, accounts: readonly number[]): Promise<Set<number>>
}

export interface AccountWriter extends AccountReader {
  /** Notes that a pull request of this account was merged; the first time stays. */
  noteMerged(merged: {
    readonly repositoryId: RepositoryId
    readonly actorId: number
    readonly at: number
  }): Promise<void>
  /** Notes which name an account has now; that under which it was listed, or seen first, stays. */
  note(seen: {
    readonly repositoryId: RepositoryId
    readonly account: ForgeAccount
    readonly at: number
  }): Promise<void>
}
