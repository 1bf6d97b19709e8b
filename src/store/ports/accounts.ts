import type { RepositoryId } from '../../core/ids.ts'
import type { ForgeAccount } from '../../core/stranger/update-bot.ts'
import type { SeenAccount } from '../records.ts'

/** What is known of accounts at forges. */
export interface AccountReader {
  /** Bots that have pushed to a repository, and accounts that it lists; most recent first, at most 200. */
  list(repositoryId: RepositoryId): Promise<SeenAccount[]>
  /** Those of the accounts that have had a pull request merged in the repository. */
  findMerged(repositoryId: RepositoryId, accounts: readonly number[]): Promise<Set<number>>
}

export interface AccountWriter extends AccountReader {
  /** Records that a pull request of this account was merged; the first time is kept. */
  noteMerged(merged: {
    readonly repositoryId: RepositoryId
    readonly actorId: number
    readonly at: number
  }): Promise<void>
  /** Updates an account's name; the one under which it was listed, or first seen, is kept too. */
  note(seen: {
    readonly repositoryId: RepositoryId
    readonly account: ForgeAccount
    readonly at: number
  }): Promise<void>
}
