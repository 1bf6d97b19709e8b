import type { RepositoryId } from '../../../core/ids.ts'
import { present } from '../../../lib/present.ts'
import type { SecretReader, SecretRef, SecretWriter } from '../../ports/secrets.ts'
import type { SecretRecord } from '../../records.ts'
import { jsonOf, parsed } from '../rows.ts'
import type { Db, SecretRow } from '../tables.ts'

export function secretReader(db: Db): SecretReader {
  return {
    list: (repositoryId) => listSecrets(db, repositoryId),
    listFor: (repositoryId, names) => findSecrets(db, repositoryId, names),
  }
}

export function secretWriter(db: Db): SecretWriter {
  return {
    ...secretReader(db),
    save: (secret) => saveSecret(db, secret),
    remove: (secret) => removeSecret(db, secret),
  }
}

/** The scope of global secrets; no repository's id is empty. */
const EVERYWHERE = ''

async function listSecrets(
  db: Db,
  repositoryId: RepositoryId | undefined,
): Promise<SecretRecord[]> {
  const rows = await db
    .selectFrom('secrets')
    .selectAll()
    .where('scope', '=', scopeOf({ repositoryId }))
    .orderBy('name')
    .execute()
  return rows.map(secretOf)
}

async function findSecrets(
  db: Db,
  repositoryId: RepositoryId,
  names: readonly string[],
): Promise<SecretRecord[]> {
  if (names.length === 0) return []
  const rows = await db
    .selectFrom('secrets')
    .selectAll()
    .where('scope', 'in', [EVERYWHERE, repositoryId])
    .where('name', 'in', names)
    .execute()
  const own = new Set(rows.filter(({ scope }) => scope !== EVERYWHERE).map(({ name }) => name))
  return rows.filter(({ scope, name }) => scope !== EVERYWHERE || !own.has(name)).map(secretOf)
}

async function saveSecret(db: Db, secret: SecretRecord): Promise<void> {
  const { name, sealed, createdAt, updatedAt, updatedBy, expiresAt, runners } = secret
  const changed = {
    value: sealed,
    updated_at: updatedAt,
    updated_by: updatedBy ?? null,
    expires_at: expiresAt ?? null,
    runners: jsonOf(runners),
    not_masked: secret.isNotMasked ? 1 : null,
  }
  await db
    .insertInto('secrets')
    .values({ scope: scopeOf(secret), name, created_at: createdAt, ...changed })
    .onConflict((conflict) => conflict.columns(['scope', 'name']).doUpdateSet(changed))
    .execute()
}

export async function removeSecret(db: Db, secret: SecretRef): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('secrets')
    .where('scope', '=', scopeOf(secret))
    .where('name', '=', secret.name)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export async function removeSecretsOf(db: Db, repositoryId: RepositoryId): Promise<void> {
  await db.deleteFrom('secrets').where('scope', '=', repositoryId).execute()
}

function scopeOf({ repositoryId }: { repositoryId?: RepositoryId | undefined }): string {
  return repositoryId ?? EVERYWHERE
}

function secretOf(row: SecretRow): SecretRecord {
  return {
    ...(row.scope === EVERYWHERE ? {} : { repositoryId: row.scope as RepositoryId }),
    name: row.name,
    sealed: row.value,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    ...present({ updatedBy: row.updated_by, expiresAt: row.expires_at }),
    ...present({ runners: parsed(row.runners) as string[] | null }),
    ...(row.not_masked === null ? {} : { isNotMasked: true }),
  }
}
