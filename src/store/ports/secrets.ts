import type { RepositoryId } from '../../core/ids.ts'
import type { SecretRecord } from '../records.ts'

/** A secret by its scope and name; without a repository a global one. */
export interface SecretRef {
  readonly repositoryId?: RepositoryId | undefined
  readonly name: string
}

/** Secrets, with sealed values. */
export interface SecretReader {
  /** A repository's own secrets, or without a repository the global ones; by name. */
  list(repositoryId?: RepositoryId): Promise<SecretRecord[]>
  /**
   * The secrets with these names that jobs of the repository get: its own, which override global
   * ones; in no particular order.
   */
  listFor(repositoryId: RepositoryId, names: readonly string[]): Promise<SecretRecord[]>
}

export interface SecretWriter extends SecretReader {
  /** Inserts or replaces it; the creation time is kept. */
  save(secret: SecretRecord): Promise<void>
  /** Returns whether it existed. */
  remove(secret: SecretRef): Promise<boolean>
}
