import { sql } from 'kysely'
import {
  type Concurrency,
  compareMembers,
  type GroupMember,
} from '../../../core/concurrency/concurrency.ts'
import { whyGroupIsFull } from '../../../core/concurrency/group-wait.ts'
import type { PipelineId, RepositoryId } from '../../../core/ids.ts'
import type { Job } from '../../../core/job/job.ts'
import { isHeldBack } from '../../../core/pipeline/approval.ts'
import type { Pipeline } from '../../../core/pipeline/pipeline.ts'
import { present } from '../../../lib/present.ts'
import type { GroupReader, GroupWriter } from '../../ports/groups.ts'
import { batches, isPostgres } from '../rows.ts'
import type { Db, GroupMemberRow } from '../tables.ts'
import { storableText, textKey } from '../text.ts'

export function groupReader(db: Db): GroupReader {
  return {
    list: (repositoryId, group, ofStrangers) => listGroup(db, repositoryId, group, ofStrangers),
  }
}

export function groupWriter(db: Db): GroupWriter {
  return {
    ...groupReader(db),
    enter: (member, concurrency) => enterGroup(db, member, concurrency),
  }
}

/** How many members of a group are listed: all holders, and the next ones. */
const MAX_LISTED = 300

async function listGroup(
  db: Db,
  repositoryId: RepositoryId,
  group: string,
  ofStrangers = false,
): Promise<GroupMember[]> {
  const rows = await db
    .selectFrom('group_members')
    .innerJoin('pipelines', 'pipelines.id', 'group_members.pipeline_id')
    .innerJoin('commit_events', 'commit_events.id', 'pipelines.event_id')
    .select([
      'group_members.id',
      'group_members.pipeline_id',
      'group_members.job_name',
      'group_members.position',
      'group_members.state',
      'group_members.since',
      'group_members.member_limit',
      'pipelines.number',
      'commit_events.ref',
    ])
    .where('group_members.repository_id', '=', repositoryId)
    .where('group_members.group_key', '=', groupKey({ group, ofStrangers }))
    .orderBy(sql`case group_members.state when 'holding' then 0 when 'waiting' then 1 else 2 end`)
    .orderBy('group_members.since')
    .orderBy('pipelines.number')
    .orderBy('group_members.position')
    .limit(MAX_LISTED)
    .execute()
  const members = rows.map((row): GroupMember => {
    return {
      id: row.id as GroupMember['id'],
      pipelineId: row.pipeline_id as PipelineId,
      pipelineNumber: row.number,
      ref: row.ref,
      position: row.position,
      state: row.state as GroupMember['state'],
      since: row.since,
      ...present({ jobName: row.job_name, limit: row.member_limit }),
    }
  })
  return members.sort(compareMembers)
}

/** Under a lock of the group, so that concurrent calls can't exceed its limit. */
async function enterGroup(
  db: Db,
  { id, repositoryId }: { id: GroupMember['id']; repositoryId: RepositoryId },
  concurrency: Concurrency,
): Promise<boolean> {
  if (isPostgres(db)) {
    const key = `${repositoryId} ${groupKey(concurrency)}`
    await sql`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`.execute(db)
  }
  const members = await listGroup(db, repositoryId, concurrency.group, concurrency.ofStrangers)
  if (whyGroupIsFull(members, id, concurrency) !== undefined) return false
  await db.updateTable('group_members').set({ state: 'holding' }).where('id', '=', id).execute()
  return true
}

/** Adds new jobs to their groups. */
export async function insertMembers(db: Db, jobs: readonly Job[]): Promise<void> {
  const members = jobs.flatMap((job) => {
    const row = memberOf(job)
    return row && job.state.status !== 'finished' ? [row] : []
  })
  for (const batch of batches(members)) {
    await db.insertInto('group_members').values(batch).execute()
  }
}

/** A job leaves its group when it has ended, and waits again when it is requeued. */
export async function noteJob(db: Db, job: Job): Promise<void> {
  const row = memberOf(job)
  if (!row) return
  if (job.state.status === 'finished') await leaveGroup(db, job.id)
  // An assigned job has entered its group in the same transaction.
  else if (row.state !== 'holding') await put(db, row)
}

/** A pipeline is in its group from its planning until it has ended. */
export async function notePipeline(db: Db, pipeline: Pipeline): Promise<void> {
  const { id, concurrency, state, repositoryId } = pipeline
  // A pipeline that waits for approval doesn't block others.
  if (!concurrency || isHeldBack(pipeline)) return
  if (state.status === 'finished') return await leaveGroup(db, id)
  if (state.status !== 'running') return
  await db
    .insertInto('group_members')
    .values({
      id,
      repository_id: repositoryId,
      group_key: groupKey(concurrency),
      pipeline_id: id,
      job_name: null,
      position: 0,
      state: 'waiting',
      since: state.startedAt,
      member_limit: concurrency.limit,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute()
}

function memberOf({ id, pipelineId, repositoryId, position, spec, state }: Job) {
  if (!spec.concurrency) return undefined
  const isHeld = state.status === 'assigned' || state.status === 'running'
  return {
    id,
    repository_id: repositoryId,
    group_key: groupKey(spec.concurrency),
    pipeline_id: pipelineId,
    job_name: storableText(spec.name),
    position,
    state: isHeld ? 'holding' : state.status === 'blocked' ? 'blocked' : 'waiting',
    since: 'queuedAt' in state ? state.queuedAt : 0,
    member_limit: spec.concurrency.limit,
  } satisfies GroupMemberRow
}

/** Group names have no line breaks, so a stranger's group can't collide with another. */
function groupKey({ group, ofStrangers }: { group: string; ofStrangers?: boolean }): string {
  return textKey(ofStrangers ? `strangers\n${group}` : group)
}

async function put(db: Db, row: GroupMemberRow): Promise<void> {
  const { state, since } = row
  await db
    .insertInto('group_members')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ state, since }))
    .execute()
}

export async function leaveGroup(db: Db, id: string): Promise<void> {
  await db.deleteFrom('group_members').where('id', '=', id).execute()
}
