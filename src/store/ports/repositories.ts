import type { WebhookForge } from '../../core/forges.ts'
import type { RepositoryId } from '../../core/ids.ts'
import type { ForgeIds, Head, RepositoryHead, RepositoryRecord, StrangerRules } from '../records.ts'

/** A repository as its forge names it. */
export interface ForgeName {
  readonly forgeId: number
  readonly fullName: string
}

/** Registered repositories. Names are compared without regard to case, here and wherever they must be unique. */
export interface RepositoryReader {
  find(idOrName: string): Promise<RepositoryRecord | undefined>
  /** Those of the ids that are registered, in no order. */
  listByIds(ids: readonly string[]): Promise<RepositoryRecord[]>
  /**
   * Each by the forge's numeric id where one has it, else by the full name among those of the forge
   * whose id is not known yet; in the same order, undefined for those that are not there.
   */
  findOfForge(
    forge: WebhookForge,
    repositories: readonly ForgeName[],
  ): Promise<(RepositoryRecord | undefined)[]>
  list(): Promise<RepositoryRecord[]>
}

export interface RepositoryWriter extends RepositoryReader {
  /** Rejects with `conflict` when the name is taken. Its heads are the baseline of the poller. */
  insert(repository: RepositoryRecord, heads: readonly Head[]): Promise<void>
  /** Sets the forge's numbers, once a verified webhook told them; `conflict` if another has the first. */
  setForgeIds(id: RepositoryId, ids: ForgeIds): Promise<void>
  setWebhookSecret(id: RepositoryId, webhookSecret: string): Promise<void>
  /** As above, and what was set so far remains valid as the former one until `endsAt`. */
  replaceWebhookSecret(id: RepositoryId, webhookSecret: string, endsAt: number): Promise<void>
  /** The former webhook secrets of these repositories, if they have some, are valid no more. */
  endFormerSecrets(ids: readonly RepositoryId[]): Promise<void>
  /** Sets what is done about strangers, and what a skipped pipeline is worth; what is absent stays. */
  setStrangerRules(id: RepositoryId, rules: StrangerRules): Promise<void>
  /**
   * The repository is no longer found, polled or accepted, and its name is free again; its pipelines
   * remain readable, what has none yet gets none, and its secrets are gone.
   */
  remove(id: RepositoryId): Promise<void>
}

/** What the refs of a repository pointed to when they were looked at last. */
export interface HeadReader {
  list(repositoryId: RepositoryId): Promise<Head[]>
}

export interface HeadWriter extends HeadReader {
  /** Of several heads of one ref the last one counts. */
  set(heads: readonly RepositoryHead[]): Promise<void>
  forget(repositoryId: RepositoryId, refs: readonly string[]): Promise<void>
}
