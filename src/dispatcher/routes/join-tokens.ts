import { createToken, hashToken } from '../../api/auth/tokens.ts'
import type { Doer } from '../../core/audit/audit.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import type { JoinTokenRecord } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'

export interface NewJoinToken {
  readonly labels: readonly string[]
  readonly uses: number
  readonly lifeMs: number
  /** Ranges of addresses that it is used from; absent: all. */
  readonly sources?: readonly string[] | undefined
}

/** Makes a token by which runners may join; it is in the answer and nowhere else. */
export async function makeJoinToken(
  store: Store,
  { labels, uses, lifeMs, sources }: NewJoinToken,
  by: Doer,
): Promise<{ token: string; record: JoinTokenRecord }> {
  const token = createToken('join')
  const createdAt = Date.now()
  const about = {
    id: newId('join'),
    hash: hashToken(token),
    labels,
    uses,
    used: 0,
    ...present({ sources }),
  }
  const record = { ...about, createdAt, expiresAt: createdAt + lifeMs }
  await store.transact(async (write) => {
    await write.joinTokens.insert(record)
    const after = { labels, uses, sources, expiresAt: record.expiresAt }
    write.audit.add(by, { action: 'join_token.created', subject: subjectOf(record), after })
  })
  return { token, record }
}

/** Those that have joined by it stay. */
export async function removeJoinToken(
  store: Store,
  token: JoinTokenRecord,
  by: Doer,
): Promise<void> {
  await store.transact(async (write) => {
    await write.joinTokens.remove(token.id)
    const before = { labels: token.labels }
    write.audit.add(by, { action: 'join_token.removed', subject: subjectOf(token), before })
  })
}

function subjectOf({ id }: JoinTokenRecord): { id: string; name: string } {
  return { id, name: id }
}
