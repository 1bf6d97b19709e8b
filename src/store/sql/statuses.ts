import { sql } from 'kysely'
import type { PipelineView } from '../../contract/rest/views.ts'
import {
  COMMIT_CONTEXT,
  PULL_REQUEST_CONTEXT,
  RELEASE_CONTEXT,
  type StatusState,
  statusContext,
} from '../../core/commit-status.ts'
import { EVENT_ACTIONS } from '../../core/event-actions.ts'
import type { PipelineId, RepositoryId } from '../../core/ids.ts'
import { NO_FILE } from '../../core/pipeline/no-file.ts'
import { present } from '../../lib/present.ts'
import type {
  ForgeLinkReader,
  ForgeLinkWriter,
  ForgeTrial,
  StatusReader,
  StatusWriter,
  UnsentQuery,
} from '../ports/statuses.ts'
import type { ForgeLinkRecord, ForgeRefusal, SentStatusRecord, StatusKey } from '../records.ts'
import { pipelineViewOf, withEvent } from './pipelines/pipeline-views.ts'
import { jsonOf, parsed } from './rows.ts'
import type { Db, ForgeLinkRow, ToldStatusRow } from './tables.ts'

export function forgeLinkReader(db: Db): ForgeLinkReader {
  return {
    find: (repositoryId) => findForgeLink(db, repositoryId),
    list: () => listForgeLinks(db),
  }
}

export function forgeLinkWriter(db: Db): ForgeLinkWriter {
  return {
    ...forgeLinkReader(db),
    save: (link) => saveForgeLink(db, link),
    claimTrial: (trial) => claimForgeTrial(db, trial),
    setRefusal: (link, refusal) => setForgeRefusal(db, link, refusal),
    remove: (repositoryId) => removeForgeLink(db, repositoryId),
  }
}

export function statusReader(db: Db): StatusReader {
  return {
    find: (key) => findSentStatus(db, key),
    findLast: (repositoryId) => findLastSent(db, repositoryId),
    listUnsent: (query) => listUnsent(db, query),
  }
}

export function statusWriter(db: Db): StatusWriter {
  return { ...statusReader(db), note: (sent) => noteSentStatus(db, sent) }
}

async function listForgeLinks(db: Db): Promise<ForgeLinkRecord[]> {
  const rows = await db.selectFrom('forge_links').selectAll().orderBy('repository_id').execute()
  return rows.map(linkOf)
}

async function findForgeLink(
  db: Db,
  repositoryId: RepositoryId,
): Promise<ForgeLinkRecord | undefined> {
  const row = await db
    .selectFrom('forge_links')
    .selectAll()
    .where('repository_id', '=', repositoryId)
    .executeTakeFirst()
  return row && linkOf(row)
}

async function saveForgeLink(db: Db, link: ForgeLinkRecord): Promise<void> {
  const changed = {
    forge: link.forge,
    api_url: link.apiUrl,
    project: link.project,
    token: link.token,
    // The new token has not been checked yet.
    refusal: null,
    tried_at: null,
  }
  await db
    .insertInto('forge_links')
    .values({ repository_id: link.repositoryId, created_at: link.createdAt, ...changed })
    .onConflict((conflict) => conflict.column('repository_id').doUpdateSet(changed))
    .execute()
  // Rejected statuses may be accepted now.
  await db
    .deleteFrom('told_statuses')
    .where('repository_id', '=', link.repositoryId)
    .where('error', 'is not', null)
    .execute()
}

/** Of several dispatchers one gets the check. */
async function claimForgeTrial(db: Db, { repositoryId, before, at }: ForgeTrial): Promise<boolean> {
  const row = await db
    .updateTable('forge_links')
    .set({ tried_at: at })
    .where('repository_id', '=', repositoryId)
    .where(sql<boolean>`coalesce(tried_at, created_at) < ${before}`)
    .returning('repository_id')
    .executeTakeFirst()
  return row !== undefined
}

async function setForgeRefusal(
  db: Db,
  { repositoryId, token }: Pick<ForgeLinkRecord, 'repositoryId' | 'token'>,
  refusal: ForgeRefusal | undefined,
): Promise<boolean> {
  const row = await db
    .updateTable('forge_links')
    .set({ refusal: jsonOf(refusal) })
    .where('repository_id', '=', repositoryId)
    .where('token', '=', token)
    .where('refusal', refusal ? 'is' : 'is not', null)
    .returning('repository_id')
    .executeTakeFirst()
  return row !== undefined
}

async function removeForgeLink(db: Db, repositoryId: RepositoryId): Promise<void> {
  await db.deleteFrom('forge_links').where('repository_id', '=', repositoryId).execute()
}

/** Replaces the sealed text of the same token; undefined: it can't be unsealed, so the link is removed. */
export async function replaceForgeToken(
  db: Db,
  { repositoryId, sealed: former }: { repositoryId: RepositoryId; sealed: string },
  sealed: string | undefined,
): Promise<void> {
  if (sealed === undefined) {
    await db
      .deleteFrom('forge_links')
      .where('repository_id', '=', repositoryId)
      .where('token', '=', former)
      .execute()
    return
  }
  await db
    .updateTable('forge_links')
    .set({ token: sealed })
    .where('repository_id', '=', repositoryId)
    .where('token', '=', former)
    .execute()
}

async function findSentStatus(
  db: Db,
  { repositoryId, sha, context }: StatusKey,
): Promise<SentStatusRecord | undefined> {
  const row = await db
    .selectFrom('told_statuses')
    .selectAll()
    .where('repository_id', '=', repositoryId)
    .where('sha', '=', sha)
    .where('context', '=', context)
    .executeTakeFirst()
  return row && sentOf(row)
}

async function findLastSent(
  db: Db,
  repositoryId: RepositoryId,
): Promise<SentStatusRecord | undefined> {
  const row = await db
    .selectFrom('told_statuses')
    .selectAll()
    .where('repository_id', '=', repositoryId)
    .orderBy('told_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && sentOf(row)
}

async function noteSentStatus(db: Db, sent: SentStatusRecord): Promise<void> {
  const changed = {
    pipeline_id: sent.pipelineId,
    number: sent.number,
    state: sent.state,
    error: sent.error ?? null,
    told_at: sent.sentAt,
  }
  await db
    .insertInto('told_statuses')
    .values({
      repository_id: sent.repositoryId,
      sha: sent.sha,
      context: sent.context,
      ...changed,
    })
    .onConflict((conflict) =>
      conflict
        .columns(['repository_id', 'sha', 'context'])
        .doUpdateSet(changed)
        .where('told_statuses.number', '<=', sent.number),
    )
    .execute()
}

async function listUnsent(
  db: Db,
  { by, since, before, limit }: UnsentQuery,
): Promise<PipelineView[]> {
  const rows = await withEvent(db)
    .innerJoin('forge_links', 'forge_links.repository_id', 'pipelines.repository_id')
    .leftJoin('told_statuses', (join) =>
      join
        .onRef('told_statuses.repository_id', '=', 'pipelines.repository_id')
        .onRef('told_statuses.sha', '=', 'commit_events.sha')
        .on(sql<boolean>`told_statuses.context = ${CONTEXT}`),
    )
    .where('pipelines.created_at', '>=', since)
    .$if(before !== undefined, (query) => query.where('pipelines.created_at', '<', before ?? 0))
    .whereRef('pipelines.created_at', '>=', 'forge_links.created_at')
    .where(IS_UNSENT)
    .where(
      sql<boolean>`(pipelines.dispatcher_id = ${by} or pipelines.dispatcher_id is null
        or pipelines.dispatcher_id not in (select id from dispatchers))`,
    )
    .orderBy('pipelines.created_at')
    .orderBy('pipelines.number')
    .limit(limit)
    .execute()
  return rows.map(pipelineViewOf)
}

/** Must match `statusContext` and `statusState`. */
const CONTEXT = sql<string>`case commit_events.kind
  when 'pull_request' then ${partContext()}
  when 'merge_group' then ${sql.lit(PULL_REQUEST_CONTEXT)}
  when 'release' then ${sql.lit(RELEASE_CONTEXT)}
  else ${sql.lit(COMMIT_CONTEXT)} end`
/** Quotes within JSON's texts are escaped, so nobody's text looks like the key. */
function partContext() {
  const cases = EVENT_ACTIONS.pull_request.map((part) => {
    const context = statusContext({ kind: 'pull_request', part })
    return sql`when commit_events.details like ${sql.lit(`%"part":"${part}"%`)} then ${sql.lit(context)}`
  })
  return sql`case ${sql.join(cases, sql` `)} else ${sql.lit(PULL_REQUEST_CONTEXT)} end`
}

const STATE = sql<string>`case pipelines.status when 'finished'
  then case when pipelines.target like '{"isShort":true%' and pipelines.outcome = 'success' then 'short'
    when pipelines.target like '{"isShort":true%' and pipelines.outcome = 'skipped' then 'unproven'
    when repositories.skipped_is_open = 1 and pipelines.outcome = 'skipped' then 'unproven'
    else coalesce(pipelines.outcome, 'error') end
  else case when pipelines.approval_since is null then pipelines.status else 'waiting' end end`
/** Must match `isTold`. */
const IS_TOLD = sql<boolean>`not (${STATE} = 'skipped'
  and pipelines.state like ${sql.lit(`%"reason":"${NO_FILE}"%`)})`
const IS_UNSENT = sql<boolean>`(((told_statuses.number is null
  or told_statuses.number < pipelines.number) and ${IS_TOLD})
  or (told_statuses.number = pipelines.number and told_statuses.state <> ${STATE}))`

function linkOf(row: ForgeLinkRow): ForgeLinkRecord {
  return {
    repositoryId: row.repository_id as RepositoryId,
    forge: row.forge as ForgeLinkRecord['forge'],
    apiUrl: row.api_url,
    project: row.project,
    token: row.token,
    createdAt: row.created_at,
    ...present({ refusal: parsed(row.refusal) as ForgeRefusal | null, triedAt: row.tried_at }),
  }
}

function sentOf(row: ToldStatusRow): SentStatusRecord {
  return {
    repositoryId: row.repository_id as RepositoryId,
    sha: row.sha,
    context: row.context,
    pipelineId: row.pipeline_id as PipelineId,
    number: row.number,
    state: row.state as StatusState,
    ...present({ error: row.error }),
    sentAt: row.told_at,
  }
}
