import { createToken, hashToken } from '../api/auth.ts'
import { newId } from '../lib/new-id.ts'
import type { Store } from '../store/store.ts'

/**
 * Makes the first access token of an installation that others can reach; undefined when it has one
 * already. It is shown once and never stored.
 */
export async function createFirstToken(store: Store): Promise<string | undefined> {
  if ((await store.listTokens()).length > 0) return undefined
  const token = createToken()
  await store.transact((write) =>
    write.insertToken({
      id: newId('token'),
      name: 'first',
      hash: hashToken(token),
      createdAt: Date.now(),
    }),
  )
  return token
}
