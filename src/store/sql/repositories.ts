import { forgePathOf } from '../../core/forge-path.ts'
import type { WebhookForge } from '../../core/forges.ts'
import type { RepositoryId } from '../../core/ids.ts'
import type { ApprovalRule, PipelineFilesRule } from '../../core/stranger/approval.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { ForgeName, RepositoryReader, RepositoryWriter } from '../ports/repositories.ts'
import type { ForgeIds, RepositoryRecord, StrangerRules } from '../records.ts'
import { noteListed } from './access/forge-accounts.ts'
import { removeSecretsOf } from './access/secrets.ts'
import { changeRepository } from './change-repository.ts'
import { setHeads } from './heads.ts'
import { hotQuery } from './hot-query.ts'
import { endEventsOfRemoved } from './pipelines/commit-events.ts'
import { lastNumberOf } from './removal/repository-sweep.ts'
import type { RepositoryRow } from './repository-row.ts'
import { batches, parsed } from './rows.ts'
import type { Db } from './tables.ts'
import { nameKey } from './text.ts'

export function repositoryReader(db: Db): RepositoryReader {
  return {
    find: (idOrName) => findRepository(db, idOrName),
    listByIds: (ids) => findRepositories(db, ids),
    findOfForge: (forge, wanted) => findForgeRepositories(db, forge, wanted),
    list: () => listRepositories(db),
  }
}

export function repositoryWriter(db: Db): RepositoryWriter {
  return {
    ...repositoryReader(db),
    insert: async (repository, heads) => {
      await insertRepository(db, repository)
      await setHeads(
        db,
        heads.map((head) => ({ ...head, repositoryId: repository.id })),
      )
    },
    setForgeIds: (id, ids) => setForgeIds(db, id, ids),
    setWebhookSecret: (id, webhookSecret) => setWebhookSecret(db, id, webhookSecret),
    replaceWebhookSecret: (id, webhookSecret, endsAt) =>
      replaceWebhookSecret(db, { id, webhookSecret, endsAt }),
    endFormerSecrets: (ids) => endFormerSecrets(db, ids),
    change: (id, change) => changeRepository(db, id, change),
    setStrangerRules: (id, rules) => setStrangerRules(db, id, rules),
    remove: async (id) => {
      await removeRepository(db, id)
      await removeSecretsOf(db, id)
    },
  }
}

async function findRepository(db: Db, idOrName: string): Promise<RepositoryRecord | undefined> {
  // Nearly always an id.
  const [row] = (await selectById(db, { id: idOrName })).rows
  if (row) return repositoryOf(row)
  const [named] = (await selectByName(db, { nameKey: nameKey(idOrName) })).rows
  return named && repositoryOf(named)
}

const selectById = hotQuery((db, { id }: { id: string }) =>
  db.selectFrom('repositories').selectAll().where('removed_at', 'is', null).where('id', '=', id),
)

const selectByName = hotQuery((db, values: { nameKey: string }) =>
  db
    .selectFrom('repositories')
    .selectAll()
    .where('removed_at', 'is', null)
    .where('name_key', '=', values.nameKey),
)

async function findRepositories(db: Db, ids: readonly string[]): Promise<RepositoryRecord[]> {
  const found: RepositoryRecord[] = []
  for (const batch of batches([...new Set(ids)])) {
    const rows = await db
      .selectFrom('repositories')
      .selectAll()
      .where('removed_at', 'is', null)
      .where('id', 'in', batch)
      .execute()
    found.push(...rows.map(repositoryOf))
  }
  return found
}

async function findForgeRepositories(
  db: Db,
  forge: WebhookForge,
  wanted: readonly ForgeName[],
): Promise<RepositoryRecord[][]> {
  const found = new Map<string, RepositoryRow>()
  for (const batch of batches(wanted)) {
    const ids = [...new Set(batch.map(({ forgeId }) => forgeId))]
    const paths = [...new Set(batch.map(({ fullName }) => nameKey(fullName)))]
    const rows = await db
      .selectFrom('repositories')
      .selectAll()
      .where('removed_at', 'is', null)
      .where('forge', '=', forge)
      .where((is) =>
        is.or([
          is('forge_id', 'in', ids),
          is.and([is('forge_id', 'is', null), is('path_key', 'in', paths)]),
        ]),
      )
      .orderBy('created_at')
      .orderBy('id')
      .execute()
    for (const row of rows) found.set(row.id, row)
  }
  const byId = Map.groupBy(found.values(), (row) => row.forge_id)
  const byPath = Map.groupBy(byId.get(null) ?? [], (row) => row.path_key)
  return wanted.map(({ forgeId, fullName }) => {
    const rows = [...(byId.get(forgeId) ?? []), ...(byPath.get(nameKey(fullName)) ?? [])]
    return rows.map(repositoryOf)
  })
}

async function listRepositories(db: Db): Promise<RepositoryRecord[]> {
  const rows = await db
    .selectFrom('repositories')
    .selectAll()
    .where('removed_at', 'is', null)
    .orderBy('name_key')
    .execute()
  return rows.map(repositoryOf)
}

async function insertRepository(db: Db, repository: RepositoryRecord): Promise<void> {
  const lastNumber = await lastNumberOf(db, nameKey(repository.name))
  const inserted = await db
    .insertInto('repositories')
    .values({
      id: repository.id,
      name: repository.name,
      name_key: nameKey(repository.name),
      forge: repository.forge,
      forge_id: repository.forgeId ?? null,
      forge_owner_id: repository.forgeOwnerId ?? null,
      path_key: nameKey(forgePathOf(repository)),
      moved_to: repository.movedTo ?? null,
      clone_url: repository.cloneUrl,
      git_credentials: repository.gitCredentials ?? null,
      deploy_key: repository.deployKey ?? null,
      webhook_secret: repository.webhookSecret,
      former_secret: repository.formerSecret?.sealed ?? null,
      former_ends_at: repository.formerSecret?.endsAt ?? null,
      poll_interval_ms: repository.pollIntervalMs,
      last_number: lastNumber,
      created_at: repository.createdAt,
      removed_at: null,
      approval: repository.approval ?? null,
      stranger_accounts: accountsText(repository.strangerAccounts),
      pipeline_files: repository.pipelineFiles ?? null,
      skipped_is_open: repository.skippedIsOpen ? 1 : 0,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  if (inserted) return
  const taken = await findRepository(db, repository.name)
  if (taken?.id === repository.id) return // The same call, repeated.
  throw new NarwhalError(
    'conflict',
    taken
      ? `a repository named "${taken.name}" is already registered`
      : `the repository ${repository.id} is already registered`,
  )
}

async function setForgeIds(
  db: Db,
  id: RepositoryId,
  { forgeId, ownerId, movedTo }: ForgeIds,
): Promise<void> {
  await db
    .updateTable('repositories')
    .set({
      forge_id: forgeId,
      moved_to: movedTo ?? null,
      ...present({ forge_owner_id: ownerId }),
    })
    .where('id', '=', id)
    .execute()
}

async function setWebhookSecret(db: Db, id: RepositoryId, webhookSecret: string): Promise<void> {
  await db
    .updateTable('repositories')
    .set({ webhook_secret: webhookSecret })
    .where('id', '=', id)
    .execute()
}

async function replaceWebhookSecret(
  db: Db,
  { id, webhookSecret, endsAt }: { id: RepositoryId; webhookSecret: string; endsAt: number },
): Promise<void> {
  await db
    .updateTable('repositories')
    .set((is) => ({
      former_secret: is.ref('webhook_secret'),
      former_ends_at: endsAt,
      webhook_secret: webhookSecret,
    }))
    .where('id', '=', id)
    .execute()
}

async function endFormerSecrets(db: Db, ids: readonly RepositoryId[]): Promise<void> {
  for (const batch of batches(ids)) {
    await db
      .updateTable('repositories')
      .set({ former_secret: null, former_ends_at: null })
      .where('id', 'in', batch)
      .execute()
  }
}

async function setStrangerRules(
  db: Db,
  id: RepositoryId,
  { approval, strangerAccounts, pipelineFiles, skippedIsOpen }: StrangerRules,
): Promise<void> {
  if (strangerAccounts !== undefined) {
    const former = (await findRepository(db, id))?.strangerAccounts ?? []
    const added = strangerAccounts.filter((account) => !former.includes(account))
    await noteListed(db, id, added)
  }
  const changed = {
    ...present({ approval, pipeline_files: pipelineFiles }),
    ...(skippedIsOpen === undefined ? {} : { skipped_is_open: skippedIsOpen ? 1 : 0 }),
    ...(strangerAccounts === undefined
      ? {}
      : { stranger_accounts: accountsText(strangerAccounts) }),
  }
  if (Object.keys(changed).length === 0) return
  await db.updateTable('repositories').set(changed).where('id', '=', id).execute()
}

function accountsText(accounts: readonly number[] | undefined): string | null {
  return accounts && accounts.length > 0 ? JSON.stringify(accounts) : null
}

async function removeRepository(db: Db, id: RepositoryId): Promise<void> {
  await db
    .updateTable('repositories')
    .set({
      removed_at: Date.now(),
      webhook_secret: '',
      former_secret: null,
      former_ends_at: null,
      git_credentials: null,
      deploy_key: null,
    })
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .execute()
  await db.deleteFrom('forge_links').where('repository_id', '=', id).execute()
  await db.deleteFrom('heads').where('repository_id', '=', id).execute()
  await db.deleteFrom('merged_authors').where('repository_id', '=', id).execute()
  await db.deleteFrom('forge_accounts').where('repository_id', '=', id).execute()
  await endEventsOfRemoved(db)
}

export function repositoryOf(row: RepositoryRow): RepositoryRecord {
  return {
    id: row.id as RepositoryId,
    name: row.name,
    forge: row.forge as RepositoryRecord['forge'],
    cloneUrl: row.clone_url,
    webhookSecret: row.webhook_secret,
    ...(row.former_secret === null || row.former_ends_at === null
      ? {}
      : { formerSecret: { sealed: row.former_secret, endsAt: row.former_ends_at } }),
    pollIntervalMs: row.poll_interval_ms,
    createdAt: row.created_at,
    ...present({
      forgeId: row.forge_id,
      forgeOwnerId: row.forge_owner_id,
      movedTo: row.moved_to,
      gitCredentials: row.git_credentials,
      deployKey: row.deploy_key,
      approval: row.approval as ApprovalRule | null,
      strangerAccounts: parsed(row.stranger_accounts) as number[] | null,
      pipelineFiles: row.pipeline_files as PipelineFilesRule | null,
      skippedIsOpen: row.skipped_is_open === 1 ? (true as const) : undefined,
    }),
  }
}
