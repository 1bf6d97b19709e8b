import type { RepositoryId } from '../../core/ids.ts'
import type { IdTokenKeyRecord } from '../records.ts'

/** Keys that sign id tokens, and the repository ids in their subjects. */
export interface IdTokenReader {
  /** All signing keys, also replaced ones; oldest first. */
  listKeys(): Promise<IdTokenKeyRecord[]>
  /** The ids in the subjects of a repository's tokens; undefined: none was issued yet. */
  findSubjectIds(repositoryId: RepositoryId): Promise<string | undefined>
}

export interface IdTokenWriter extends IdTokenReader {
  /** Inserts or updates a signing key; its public half and its creation time never change. */
  saveKey(key: IdTokenKeyRecord): Promise<void>
  /** Returns the permanent ids in the subjects of a repository's tokens: these, if there were none. */
  claimSubjectIds(repositoryId: RepositoryId, unlessThereAre: string): Promise<string>
}
