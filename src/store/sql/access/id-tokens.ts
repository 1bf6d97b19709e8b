import type { RawBuilder } from 'kysely'
import type { RepositoryId } from '../../../core/ids.ts'
import { present } from '../../../lib/present.ts'
import type { IdTokenReader, IdTokenWriter } from '../../ports/id-tokens.ts'
import type { IdTokenKeyRecord } from '../../records.ts'
import type { Db } from '../tables.ts'
import type { IdTokenKeyRow } from './access-tables.ts'

export function idTokenReader(db: Db): IdTokenReader {
  return {
    listKeys: () => listIdTokenKeys(db),
    findSubjectIds: (repositoryId) => findSubjectIds(db, repositoryId),
  }
}

export function idTokenWriter(db: Db): IdTokenWriter {
  return {
    ...idTokenReader(db),
    saveKey: (key) => saveIdTokenKey(db, key),
    claimSubjectIds: (repositoryId, unlessThereAre) =>
      claimSubjectIds(db, repositoryId, unlessThereAre),
  }
}

async function listIdTokenKeys(db: Db): Promise<IdTokenKeyRecord[]> {
  const rows = await db
    .selectFrom('id_token_keys')
    .selectAll()
    .orderBy('created_at')
    .orderBy('kid')
    .execute()
  return rows.map(keyOf)
}

async function saveIdTokenKey(db: Db, key: IdTokenKeyRecord): Promise<void> {
  const { kid, publicKey, sealed, createdAt, signsAt, leavesAt } = key
  const changed = { private_key: sealed, signs_at: signsAt, leaves_at: leavesAt ?? null }
  await db
    .insertInto('id_token_keys')
    .values({ kid, public_key: publicKey, created_at: createdAt, ...changed })
    .onConflict((conflict) => conflict.column('kid').doUpdateSet(changed))
    .execute()
}

async function findSubjectIds(db: Db, repositoryId: RepositoryId): Promise<string | undefined> {
  const row = await db
    .selectFrom('id_token_subjects')
    .select('ids')
    .where('repository_id', '=', repositoryId)
    .executeTakeFirst()
  return row?.ids
}

async function claimSubjectIds(
  db: Db,
  repositoryId: RepositoryId,
  unlessThereAre: string,
): Promise<string> {
  // The no-op update makes `returning` give the row also if another writer inserted it.
  const row = await db
    .insertInto('id_token_subjects')
    .values({ repository_id: repositoryId, ids: unlessThereAre })
    .onConflict((conflict) =>
      conflict
        .column('repository_id')
        .doUpdateSet((is) => ({ ids: is.ref('id_token_subjects.ids') })),
    )
    .returning('ids')
    .executeTakeFirstOrThrow()
  return row.ids
}

/** Private halves that are not sealed with the current key. */
export async function listSealedKeys(
  db: Db,
  isSealedOtherwise: (column: string) => RawBuilder<boolean>,
  limit: number,
): Promise<Pick<IdTokenKeyRecord, 'kid' | 'sealed'>[]> {
  const rows = await db
    .selectFrom('id_token_keys')
    .select(['kid', 'private_key'])
    .where(isSealedOtherwise('private_key'))
    .limit(limit)
    .execute()
  return rows.map(({ kid, private_key: sealed }) => ({ kid, sealed }))
}

/** A key that must no longer be used loses its private half. */
export async function replaceIdTokenKey(
  db: Db,
  { kid, sealed }: Pick<IdTokenKeyRecord, 'kid' | 'sealed'>,
  again: string | undefined,
): Promise<void> {
  const changed = again === undefined ? { private_key: '', leaves_at: 0 } : { private_key: again }
  await db
    .updateTable('id_token_keys')
    .set(changed)
    .where('kid', '=', kid)
    .where('private_key', '=', sealed)
    .execute()
}

function keyOf(row: IdTokenKeyRow): IdTokenKeyRecord {
  return {
    kid: row.kid,
    publicKey: row.public_key,
    sealed: row.private_key,
    createdAt: row.created_at,
    signsAt: row.signs_at,
    ...present({ leavesAt: row.leaves_at }),
  }
}
