import type { Concurrency, GroupMember } from '../../core/concurrency/concurrency.ts'
import type { RepositoryId } from '../../core/ids.ts'

/** Holders of a concurrency group, and those waiting for it. */
export interface GroupReader {
  /** The unfinished members of a repository's group, in the order of `compareMembers`; at most 300. */
  list(repositoryId: RepositoryId, group: string, ofStrangers?: boolean): Promise<GroupMember[]>
}

export interface GroupWriter extends GroupReader {
  /**
   * Lets a job or a pipeline of a group start, if the group's concurrency limit permits; true also if
   * it already holds the group. Must be called in the transaction that assigns the job, which then
   * holds the group until it ends or is requeued. If false, the caller must not write anything. Several
   * groups must be entered in the same order everywhere, to avoid deadlock.
   */
  enter(
    member: { readonly id: GroupMember['id']; readonly repositoryId: RepositoryId },
    concurrency: Concurrency,
  ): Promise<boolean>
}
