import type { PipelineView } from '../../contract/rest/views.ts'
import type { DispatcherId, RepositoryId } from '../../core/ids.ts'
import type { ForgeLinkRecord, ForgeRefusal, SentStatusRecord, StatusKey } from '../records.ts'

export interface UnsentQuery {
  /** Those of this dispatcher, and those that no living one has. */
  readonly by: DispatcherId
  /** Only those that were created since then, and since the repository was linked. */
  readonly since: number
  /** Only those that were created before then; absent: up to now. */
  readonly before?: number
  readonly limit: number
}

/** A look whether a forge still takes the token of a repository. */
export interface ForgeTrial {
  readonly repositoryId: RepositoryId
  readonly before: number
  readonly at: number
}

/** Where the statuses of repositories are told. */
export interface ForgeLinkReader {
  list(): Promise<ForgeLinkRecord[]>
  find(repositoryId: RepositoryId): Promise<ForgeLinkRecord | undefined>
}

export interface ForgeLinkWriter extends ForgeLinkReader {
  /**
   * Inserts or replaces where the statuses of a repository are told; what was refused before is
   * untold from then on.
   */
  save(link: ForgeLinkRecord): Promise<void>
  remove(repositoryId: RepositoryId): Promise<void>
  /** Whether the caller is to try the token now: nobody has since `before`, and from now on nobody else does. */
  claimTrial(trial: ForgeTrial): Promise<boolean>
  /**
   * Notes that a forge does not take this very token, or, with undefined, that it does. Whether that is news: one
   * that is refused already stays as it is.
   */
  setRefusal(
    link: Pick<ForgeLinkRecord, 'repositoryId' | 'token'>,
    refusal: ForgeRefusal | undefined,
  ): Promise<boolean>
}

/** What forges were told of commits. */
export interface StatusReader {
  find(key: StatusKey): Promise<SentStatusRecord | undefined>
  /** What was told, or refused, last of any commit of the repository. */
  findLast(repositoryId: RepositoryId): Promise<SentStatusRecord | undefined>
  /**
   * Pipelines of linked repositories that stand otherwise than the forge was told, oldest first:
   * those that no newer one of the same commit was told of instead.
   */
  listUnsent(query: UnsentQuery): Promise<PipelineView[]>
}

export interface StatusWriter extends StatusReader {
  /** Notes it unless a newer pipeline of the commit was told already. */
  note(sent: SentStatusRecord): Promise<void>
}
