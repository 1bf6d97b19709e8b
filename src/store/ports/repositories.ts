import type { WebhookForge } from '../../core/forges.ts'
import type { RepositoryId } from '../../core/ids.ts'
import type { Position } from '../../core/moves/telling.ts'
import type {
  ForgeIds,
  Head,
  RepositoryChange,
  RepositoryHead,
  RepositoryRecord,
  StrangerRules,
} from '../records.ts'

/** A repository's id and path at its forge. */
export interface ForgeName {
  readonly forgeId: number
  readonly fullName: string
}

/** Registered repositories. Names are case-insensitive, also where they must be unique. */
export interface RepositoryReader {
  find(idOrName: string): Promise<RepositoryRecord | undefined>
  /** The registered ones among the ids, in no particular order. */
  listByIds(ids: readonly string[]): Promise<RepositoryRecord[]>
  /**
   * Finds those that each may be, in the same order: by its numeric id at the forge, and then by its path
   * there among those whose id is not known yet. There may be several: two servers number their repositories
   * independently, and one may be registered twice.
   */
  findOfForge(
    forge: WebhookForge,
    repositories: readonly ForgeName[],
  ): Promise<RepositoryRecord[][]>
  list(): Promise<RepositoryRecord[]>
}

export interface RepositoryWriter extends RepositoryReader {
  /** Rejects with `conflict` if the name is taken. The heads are the poller's baseline. */
  insert(repository: RepositoryRecord, heads: readonly Head[]): Promise<void>
  /** Sets the ids and the path at the forge, as a verified webhook names them. */
  setForgeIds(id: RepositoryId, ids: ForgeIds): Promise<void>
  setWebhookSecret(id: RepositoryId, webhookSecret: string): Promise<void>
  /** As above, and the previous secret remains valid until `endsAt`. */
  replaceWebhookSecret(id: RepositoryId, webhookSecret: string, endsAt: number): Promise<void>
  /** Removes the previous webhook secrets of these repositories. */
  endFormerSecrets(ids: readonly RepositoryId[]): Promise<void>
  /**
   * Changes its name, and where it is; its id, numbers, secrets and history stay. Numbers are never used twice
   * under a name: they go on after the highest one of either name. A removed repository that had the new name is
   * called `NAME (removed)` from then on. Rejects with `conflict` if the name is taken.
   */
  change(id: RepositoryId, change: RepositoryChange): Promise<void>
  /** Sets the rules for strangers and skipped pipelines; absent ones are left unchanged. */
  setStrangerRules(id: RepositoryId, rules: StrangerRules): Promise<void>
  /**
   * Removes the repository and its secrets and frees its name. Its pipelines remain readable; pending
   * commits get none.
   */
  remove(id: RepositoryId): Promise<void>
}

/** The commits of a repository's refs as of the last poll. */
export interface HeadReader {
  list(repositoryId: RepositoryId): Promise<Head[]>
  /** Where one ref is. */
  find(repositoryId: RepositoryId, ref: string): Promise<Position | undefined>
}

/** Without an event: for a repository that has become another one. */
export interface HeadWriter extends HeadReader {
  /** Of several heads of one ref the last one is used. */
  place(heads: readonly RepositoryHead[]): Promise<void>
  forget(repositoryId: RepositoryId, refs: readonly string[]): Promise<void>
}
