import { createToken, hashToken } from '../api/auth.ts'
import { firstAdmin } from '../api/first-admin.ts'
import { newId } from '../lib/new-id.ts'
import type { Store } from '../store/store.ts'

/**
 * Sees to it that an installation which others can reach has an access token, of an administrator. Where there is none
 * yet, the one that was chosen becomes the first, so that a runner can be given the same; without
 * a choice one is made, and shown this once.
 */
export async function ensureFirstToken(
  store: Store,
  chosen: string | undefined,
  write: (line: string) => void,
): Promise<void> {
  if ((await store.listTokens()).length > 0) return
  const token = chosen ?? createToken()
  const record = {
    id: newId('token'),
    name: 'first',
    hash: hashToken(token),
    createdAt: Date.now(),
  }
  await store.transact(async (transaction) => {
    const { id: userId } = await firstAdmin(transaction)
    await transaction.insertToken({ ...record, userId })
  })
  if (!chosen) write(`The first access token, shown this once: ${token}\n`)
}
