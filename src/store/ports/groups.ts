import type { Concurrency, GroupMember } from '../../core/concurrency/concurrency.ts'
import type { RepositoryId } from '../../core/ids.ts'

/** Who holds and who waits for a place in a concurrency group. */
export interface GroupReader {
  /** Those in a group of a repository that have not ended, in the order of `compareMembers`; 300 at most. */
  list(repositoryId: RepositoryId, group: string, ofStrangers?: boolean): Promise<GroupMember[]>
}

export interface GroupWriter extends GroupReader {
  /**
   * Takes a place in a group for a job or a pipeline that is in it; true also when it has one. Before
   * a job is assigned, and in the same transaction: it keeps the place until it ends or is queued again.
   * False when there is none for it now: then nothing is to be written. Of several groups ask in one
   * order everywhere.
   */
  enter(
    member: { readonly id: GroupMember['id']; readonly repositoryId: RepositoryId },
    concurrency: Concurrency,
  ): Promise<boolean>
}
