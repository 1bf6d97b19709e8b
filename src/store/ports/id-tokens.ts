import type { RepositoryId } from '../../core/ids.ts'
import type { IdTokenKeyRecord } from '../records.ts'

/** Keys that sign id tokens, and the ids by which these name repositories. */
export interface IdTokenReader {
  /** All keys that sign id tokens, or did; oldest first. */
  listKeys(): Promise<IdTokenKeyRecord[]>
  /** The ids by which tokens name a repository; undefined: it has given none. */
  findSubjectIds(repositoryId: RepositoryId): Promise<string | undefined>
}

export interface IdTokenWriter extends IdTokenReader {
  /** Writes a key that signs id tokens; of one that is there, all but its public half and its beginning. */
  saveKey(key: IdTokenKeyRecord): Promise<void>
  /** Returns the ids by which tokens name a repository for ever: these, if there were none. */
  claimSubjectIds(repositoryId: RepositoryId, unlessThereAre: string): Promise<string>
}
