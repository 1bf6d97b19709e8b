import type { RepositoryId } from '../../core/ids.ts'
import type { SecretRecord } from '../records.ts'

/** A secret by its scope and name; without a repository one of all. */
export interface SecretRef {
  readonly repositoryId?: RepositoryId | undefined
  readonly name: string
}

/** Secrets, their values sealed. */
export interface SecretReader {
  /** Those of a repository alone, or without one those of all; by their names. */
  list(repositoryId?: RepositoryId): Promise<SecretRecord[]>
  /**
   * Of the secrets with these names the ones that jobs of the repository get: its own, and those of
   * all where it has none of the name; in no order.
   */
  listFor(repositoryId: RepositoryId, names: readonly string[]): Promise<SecretRecord[]>
}

export interface SecretWriter extends SecretReader {
  /** Inserts or replaces it; one that is replaced keeps when it was made. */
  save(secret: SecretRecord): Promise<void>
  /** Returns whether it was there. */
  remove(secret: SecretRef): Promise<boolean>
}
