import type { Asker, TokenRecord } from '../records.ts'

/** What people and programs show, and whose it is. Of each the store has the hash alone. */
export interface TokenReader {
  /** The token with this hash, also one that is over. */
  find(hash: string): Promise<TokenRecord | undefined>
  /** Whose the token with this hash is, as long as it has not come to its end. */
  findUser(hash: string): Promise<Asker | undefined>
  list(): Promise<TokenRecord[]>
}

export interface TokenWriter extends TokenReader {
  insert(token: TokenRecord): Promise<void>
  remove(id: TokenRecord['id']): Promise<void>
  /** Does nothing for one that is not there any more. */
  noteUse(use: { readonly hash: string; readonly at: number; readonly from: string }): Promise<void>
}
