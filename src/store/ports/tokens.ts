import type { Asker, TokenRecord } from '../records.ts'

/** Access tokens and their owners. The store has only their hashes. */
export interface TokenReader {
  /** Also finds an expired one. */
  find(hash: string): Promise<TokenRecord | undefined>
  /** The owner of the token with this hash, unless it has expired. */
  findUser(hash: string): Promise<Asker | undefined>
  list(): Promise<TokenRecord[]>
}

export interface TokenWriter extends TokenReader {
  insert(token: TokenRecord): Promise<void>
  remove(id: TokenRecord['id']): Promise<void>
  /** Does nothing if it no longer exists. */
  noteUse(use: { readonly hash: string; readonly at: number; readonly from: string }): Promise<void>
}
