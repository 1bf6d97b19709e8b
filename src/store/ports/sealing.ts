import type { RepositoryId } from '../../core/ids.ts'
import type { SecretRef } from './secrets.ts'

/** A sealed value and where it is stored. */
export type SealedValue = { readonly sealed: string } & (
  | ({ readonly kind: 'secret' } & SecretRef)
  | {
      readonly kind: 'webhook secret' | 'former webhook secret' | 'forge token' | 'git credentials'
      readonly repositoryId: RepositoryId
    }
  | { readonly kind: 'id token key'; readonly kid: string }
)

/** The key that values are sealed with. */
export interface SealingReader {
  /** The id of the sealing key; undefined while nothing has been sealed. */
  findKey(): Promise<string | undefined>
}

export interface SealingWriter extends SealingReader {
  /**
   * Returns the id of the sealing key: this one, if there was none. It can't be replaced until the
   * transaction has ended.
   */
  claimKey(unlessThereIsOne: string): Promise<string>
  /** Makes this the sealing key, after transactions that use the previous one have ended. */
  setKey(id: string): Promise<void>
  /** Some of the values that are sealed with another key; none at the end. */
  listOtherwise(keyId: string, limit: number): Promise<SealedValue[]>
  /** Replaces a value's sealed text if it is still the same; undefined: deletes the value. */
  replace(value: SealedValue, sealed: string | undefined): Promise<void>
}
