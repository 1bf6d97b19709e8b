import { sql } from 'kysely'
import type { RepositoryId } from '../../../core/ids.ts'
import type { SealedValue, SealingReader, SealingWriter } from '../../ports/sealing.ts'
import { replaceForgeToken } from '../statuses.ts'
import type { Db } from '../tables.ts'
import { listSealedKeys, replaceIdTokenKey } from './id-tokens.ts'
import { removeSecret } from './secrets.ts'

export function sealingReader(db: Db): SealingReader {
  return { findKey: () => findSealingKey(db) }
}

export function sealingWriter(db: Db): SealingWriter {
  return {
    ...sealingReader(db),
    claimKey: (unlessThereIsOne) => claimSealingKey(db, unlessThereIsOne),
    setKey: (id) => setSealingKey(db, id),
    listOtherwise: (keyId, limit) => listSealedOtherwise(db, keyId, limit),
    replace: (value, sealed) => replaceSealed(db, value, sealed),
  }
}

const ONLY_ROW = 1

async function findSealingKey(db: Db): Promise<string | undefined> {
  const row = await db.selectFrom('sealing').select('key_id').executeTakeFirst()
  return row?.key_id
}

async function claimSealingKey(db: Db, unlessThereIsOne: string): Promise<string> {
  await db
    .insertInto('sealing')
    .values({ id: ONLY_ROW, key_id: unlessThereIsOne })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  // The update locks the row until the transaction ends, so it returns the newest key, where a plain
  // read could return one that another transaction is about to replace.
  const row = await db
    .updateTable('sealing')
    .set((is) => ({ key_id: is.ref('key_id') }))
    .where('id', '=', ONLY_ROW)
    .returning('key_id')
    .executeTakeFirstOrThrow()
  return row.key_id
}

async function setSealingKey(db: Db, keyId: string): Promise<void> {
  await claimSealingKey(db, keyId)
  await db.updateTable('sealing').set({ key_id: keyId }).where('id', '=', ONLY_ROW).execute()
}

/** Whether a column's value is sealed with another key. */
function isSealedOtherwise(column: string, keyId: string) {
  const name = sql.ref(column)
  return sql<boolean>`${name} like ${'sealed:1:%'} and ${name} not like ${`sealed:1:${keyId}:%`}`
}

/** All columns with sealed values are listed here and in `replaceSealed`. */
async function listSealedOtherwise(db: Db, keyId: string, limit: number): Promise<SealedValue[]> {
  const isOther = (column: string) => isSealedOtherwise(column, keyId)
  const secrets = await db
    .selectFrom('secrets')
    .select(['scope', 'name', 'value'])
    .where(isOther('value'))
    .limit(limit)
    .execute()
  const repositories = await db
    .selectFrom('repositories')
    .select(['id', 'webhook_secret'])
    .where(isOther('webhook_secret'))
    .limit(limit)
    .execute()
  const former = await db
    .selectFrom('repositories')
    .select(['id', 'former_secret'])
    .where(isOther('former_secret'))
    .limit(limit)
    .execute()
  const credentials = await db
    .selectFrom('repositories')
    .select(['id', 'git_credentials'])
    .where(isOther('git_credentials'))
    .limit(limit)
    .execute()
  const links = await db
    .selectFrom('forge_links')
    .select(['repository_id', 'token'])
    .where(isOther('token'))
    .limit(limit)
    .execute()
  const keys = await listSealedKeys(db, isOther, limit)
  return [
    ...keys.map((key): SealedValue => ({ kind: 'id token key', ...key })),
    ...secrets.map(({ scope, name, value: sealed }): SealedValue => {
      const owner = scope === '' ? {} : { repositoryId: scope as RepositoryId }
      return { kind: 'secret', ...owner, name, sealed }
    }),
    ...repositories.map(({ id, webhook_secret: sealed }): SealedValue => {
      return { kind: 'webhook secret', repositoryId: id as RepositoryId, sealed }
    }),
    ...former.map(({ id, former_secret: sealed }): SealedValue => {
      const repositoryId = id as RepositoryId
      return { kind: 'former webhook secret', repositoryId, sealed: sealed ?? '' }
    }),
    ...credentials.map(({ id, git_credentials: sealed }): SealedValue => {
      const repositoryId = id as RepositoryId
      return { kind: 'git credentials', repositoryId, sealed: sealed ?? '' }
    }),
    ...links.map(({ repository_id: id, token: sealed }): SealedValue => {
      return { kind: 'forge token', repositoryId: id as RepositoryId, sealed }
    }),
  ]
}

/** Does nothing if the value was replaced or removed meanwhile. */
async function replaceSealed(
  db: Db,
  value: SealedValue,
  sealed: string | undefined,
): Promise<void> {
  switch (value.kind) {
    case 'secret': {
      const { repositoryId = '', name } = value
      if (sealed === undefined) {
        await removeSecret(db, value)
        return
      }
      await db
        .updateTable('secrets')
        .set({ value: sealed })
        .where('scope', '=', repositoryId)
        .where('name', '=', name)
        .where('value', '=', value.sealed)
        .execute()
      return
    }
    case 'id token key':
      await replaceIdTokenKey(db, value, sealed)
      return
    case 'webhook secret':
      await db
        .updateTable('repositories')
        .set({ webhook_secret: sealed ?? '' })
        .where('id', '=', value.repositoryId)
        .where('webhook_secret', '=', value.sealed)
        .execute()
      return
    case 'former webhook secret':
      await db
        .updateTable('repositories')
        .set(
          sealed === undefined
            ? { former_secret: null, former_ends_at: null }
            : { former_secret: sealed },
        )
        .where('id', '=', value.repositoryId)
        .where('former_secret', '=', value.sealed)
        .execute()
      return
    case 'git credentials':
      await db
        .updateTable('repositories')
        // A public key whose other half is lost is of no use.
        .set({ git_credentials: sealed ?? null, ...(sealed === undefined && { deploy_key: null }) })
        .where('id', '=', value.repositoryId)
        .where('git_credentials', '=', value.sealed)
        .execute()
      return
    case 'forge token':
      await replaceForgeToken(db, value, sealed)
  }
}
