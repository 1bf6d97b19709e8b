import type { PipelineView } from '../../contract/rest/views.ts'
import type { DispatcherId, RepositoryId } from '../../core/ids.ts'
import type { ForgeLinkRecord, ForgeRefusal, SentStatusRecord, StatusKey } from '../records.ts'

export interface UnsentQuery {
  /** Pipelines of this dispatcher, and those that no live one owns. */
  readonly by: DispatcherId
  /** Only pipelines created since then, and since the repository was linked. */
  readonly since: number
  /** Only pipelines created before then; absent: up to now. */
  readonly before?: number
  readonly limit: number
}

/** A check of whether the forge still accepts a repository's token. */
export interface ForgeTrial {
  readonly repositoryId: RepositoryId
  readonly before: number
  readonly at: number
}

/** Where the commit statuses of repositories are sent. */
export interface ForgeLinkReader {
  list(): Promise<ForgeLinkRecord[]>
  find(repositoryId: RepositoryId): Promise<ForgeLinkRecord | undefined>
}

export interface ForgeLinkWriter extends ForgeLinkReader {
  /**
   * Inserts or replaces a repository's link; statuses that were rejected under the previous one count as
   * unsent again.
   */
  save(link: ForgeLinkRecord): Promise<void>
  remove(repositoryId: RepositoryId): Promise<void>
  /** Whether the caller should check the token now: nobody has since `before`. Only one caller is. */
  claimTrial(trial: ForgeTrial): Promise<boolean>
  /**
   * Records that the forge rejects this token, or, with undefined, accepts it. Returns whether that is
   * new; an existing rejection is kept.
   */
  setRefusal(
    link: Pick<ForgeLinkRecord, 'repositoryId' | 'token'>,
    refusal: ForgeRefusal | undefined,
  ): Promise<boolean>
}

/** The commit statuses sent to forges. */
export interface StatusReader {
  find(key: StatusKey): Promise<SentStatusRecord | undefined>
  /** The last status of the repository that was sent or rejected, of any commit. */
  findLast(repositoryId: RepositoryId): Promise<SentStatusRecord | undefined>
  /**
   * Pipelines of linked repositories whose state differs from the last status sent, oldest first,
   * except those superseded by a newer pipeline of the same commit.
   */
  listUnsent(query: UnsentQuery): Promise<PipelineView[]>
}

export interface StatusWriter extends StatusReader {
  /** Records it unless the status of a newer pipeline of the commit was sent already. */
  note(sent: SentStatusRecord): Promise<void>
}
