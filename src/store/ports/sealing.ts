import type { RepositoryId } from '../../core/ids.ts'
import type { SecretRef } from './secrets.ts'

/** A sealed value in its place. */
export type SealedValue = { readonly sealed: string } & (
  | ({ readonly kind: 'secret' } & SecretRef)
  | {
      readonly kind: 'webhook secret' | 'former webhook secret' | 'forge token'
      readonly repositoryId: RepositoryId
    }
  | { readonly kind: 'id token key'; readonly kid: string }
)

/** Values that are sealed, and under which key. */
export interface SealingReader {
  /** The id of the key under which values are sealed; undefined while nothing was. */
  findKey(): Promise<string | undefined>
}

export interface SealingWriter extends SealingReader {
  /**
   * Returns the id of the key under which values are sealed: this one, if there was none. It stays
   * in use until the transaction has ended.
   */
  claimKey(unlessThereIsOne: string): Promise<string>
  /** Has everything be sealed under this key from now on, once all who seal now have ended. */
  setKey(id: string): Promise<void>
  /** Some of the values that are sealed under another key; none: there are no more. */
  listOtherwise(keyId: string, limit: number): Promise<SealedValue[]>
  /** Puts another text in the place of a value that is still the same; undefined: forgets the value. */
  replace(value: SealedValue, sealed: string | undefined): Promise<void>
}
