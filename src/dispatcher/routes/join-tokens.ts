import { createToken, hashToken } from '../../api/auth/tokens.ts'
import type { Doer } from '../../core/audit/audit.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import type { JoinTokenRecord } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'

export interface NewJoinToken {
  readonly labels: readonly string[]
  readonly uses: number
  readonly lifeMs: number
  /** The ranges of addresses that it may be used from; absent: all. */
  readonly sources?: readonly string[] | undefined
}

/** Creates a token with which runners may join; it is returned once, and only its hash is stored. */
export async function createJoinToken(
  store: Uses<'transact'>,
  { labels, uses, lifeMs, sources }: NewJoinToken,
  by: Doer,
): Promise<{ token: string; record: JoinTokenRecord }> {
  const token = createToken('join')
  const createdAt = Date.now()
  const hash = hashToken(token)
  const about = { id: newId('join'), hash, labels, uses, used: 0, ...present({ sources }) }
  const record = { ...about, createdAt, expiresAt: createdAt + lifeMs }
  await store.transact(async (write) => {
    await write.joinTokens.insert(record)
    const after = { labels, uses, sources, expiresAt: record.expiresAt }
    write.audit.add(by, { action: 'join_token.created', subject: subjectOf(record), after })
  })
  return { token, record }
}

/** Runners that have joined with it stay. */
export async function removeJoinToken(
  store: Uses<'transact'>,
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
