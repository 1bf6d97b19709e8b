import type { RunnerId } from '../../../core/ids.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import type { JoinTokenReader, JoinTokenUse, JoinTokenWriter } from '../../ports/join-tokens.ts'
import type { JoinTokenRecord } from '../../records.ts'
import { jsonOf, parsed } from '../rows.ts'
import type { Db } from '../tables.ts'
import type { JoinTokenRow } from './access-tables.ts'

export function joinTokenReader(db: Db): JoinTokenReader {
  return {
    find: (hash) => findJoinToken(db, hash),
    list: () => listJoinTokens(db),
  }
}

export function joinTokenWriter(db: Db): JoinTokenWriter {
  return {
    ...joinTokenReader(db),
    insert: (token) => insertJoinToken(db, token),
    use: (use) => useJoinToken(db, use),
    remove: (id) => removeJoinToken(db, id),
  }
}

/** How long an expired token is still listed, to show who has used it. */
const KEEP_MS = 7 * 24 * 3_600_000

async function listJoinTokens(db: Db): Promise<JoinTokenRecord[]> {
  const rows = await db
    .selectFrom('join_tokens')
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  return rows.map(joinTokenOf)
}

async function insertJoinToken(db: Db, token: JoinTokenRecord): Promise<void> {
  await db
    .deleteFrom('join_tokens')
    .where('expires_at', '<', token.createdAt - KEEP_MS)
    .execute()
  const inserted = await db
    .insertInto('join_tokens')
    .values({
      id: token.id,
      hash: token.hash,
      labels: JSON.stringify(token.labels),
      created_at: token.createdAt,
      expires_at: token.expiresAt,
      uses: token.uses,
      sources: jsonOf(token.sources),
      used: token.used,
      used_at: token.usedAt ?? null,
      runner_id: token.runnerId ?? null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  if (inserted || (await findJoinToken(db, token.hash))?.id === token.id) return
  throw new NarwhalError('conflict', `the token ${token.id} already exists`)
}

/** One statement, so that concurrent calls can't exceed the token's uses. */
async function useJoinToken(
  db: Db,
  { hash, at, runnerId }: JoinTokenUse,
): Promise<JoinTokenRecord | undefined> {
  const row = await db
    .updateTable('join_tokens')
    .set((is) => ({ used: is('used', '+', 1), used_at: at, runner_id: runnerId }))
    .where('hash', '=', hash)
    .whereRef('used', '<', 'uses')
    .where('expires_at', '>', at)
    .returningAll()
    .executeTakeFirst()
  return row && joinTokenOf(row)
}

async function removeJoinToken(db: Db, id: JoinTokenRecord['id']): Promise<void> {
  await db.deleteFrom('join_tokens').where('id', '=', id).execute()
}

async function findJoinToken(db: Db, hash: string): Promise<JoinTokenRecord | undefined> {
  const row = await db
    .selectFrom('join_tokens')
    .selectAll()
    .where('hash', '=', hash)
    .executeTakeFirst()
  return row && joinTokenOf(row)
}

function joinTokenOf(row: JoinTokenRow): JoinTokenRecord {
  return {
    id: row.id as JoinTokenRecord['id'],
    hash: row.hash,
    labels: JSON.parse(row.labels) as string[],
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    uses: row.uses,
    used: row.used,
    ...present({ usedAt: row.used_at, runnerId: row.runner_id as RunnerId | null }),
    ...present({ sources: parsed(row.sources) as string[] | null }),
  }
}
