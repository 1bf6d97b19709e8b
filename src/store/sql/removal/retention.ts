import { sql } from 'kysely'
import type { JobId, PipelineId, RepositoryId } from '../../../core/ids.ts'
import type { AgedPipeline, Hold, Keep, Removal } from '../../../core/keeping.ts'
import type { PipelineState } from '../../../core/pipeline/pipeline.ts'
import { present } from '../../../lib/present.ts'
import type {
  RemovedSome,
  RepositoryRules,
  RetentionReader,
  RetentionWriter,
} from '../../ports/retention.ts'
import { isPostgres, jsonOf, parsed } from '../rows.ts'
import type { Db } from '../tables.ts'
import { removeSomeJobs, removeWithEvent } from './removal.ts'
import { sweepRepository } from './repository-sweep.ts'

/** Removed from a log in one step, at most. */
const STEP_BYTES = 2 * 1024 * 1024
const STEP_CHUNKS = 500

/** Retention, over a pool or inside a transaction. */
export class SqlRetention implements RetentionWriter {
  readonly #db: Db
  readonly #onHold: (id: PipelineId) => void

  /** `onHold` is called for each pipeline whose hold has changed. */
  constructor(db: Db, onHold: (id: PipelineId) => void = () => {}) {
    this.#db = db
    this.#onHold = onHold
  }

  async begins(): Promise<number> {
    const row = await this.#db.selectFrom('retention').select('begins_at').executeTakeFirst()
    return row?.begins_at ?? 0
  }

  async listRules(): Promise<RepositoryRules[]> {
    const rows = await this.#db
      .selectFrom('repositories')
      .select(['id', 'name', 'keep_logs', 'keep_pipelines', 'removed_at'])
      .orderBy('name_key')
      .orderBy('id')
      .execute()
    return rows.map((row) => ({
      id: row.id as RepositoryId,
      name: row.name,
      ...present({ logs: keepOf(row.keep_logs), pipelines: keepOf(row.keep_pipelines) }),
      ...present({ removedAt: row.removed_at }),
    }))
  }

  async listAged(
    repositoryId: RepositoryId,
    { after, limit }: Parameters<RetentionReader['listAged']>[1],
  ): Promise<(AgedPipeline & { readonly id: PipelineId })[]> {
    let query = this.#db
      .selectFrom('pipelines')
      .innerJoin('commit_events', 'commit_events.id', 'pipelines.event_id')
      .select(['pipelines.id', 'pipelines.created_at', 'pipelines.number', 'pipelines.state'])
      .select(['pipelines.logs_removed', 'commit_events.ref'])
      .where('pipelines.repository_id', '=', repositoryId)
    if (after !== undefined) {
      query = query.where(
        sql<boolean>`(pipelines.created_at, pipelines.number, pipelines.id) <
          (${after.createdAt}, ${after.number}, ${after.id})`,
      )
    }
    const rows = await query
      .orderBy('pipelines.created_at', 'desc')
      .orderBy('pipelines.number', 'desc')
      .orderBy('pipelines.id', 'desc')
      .limit(limit)
      .execute()
    return rows.map(({ id, created_at: createdAt, number, state, logs_removed: removed, ref }) => {
      const { status, ...rest } = JSON.parse(state) as PipelineState
      const end = status === 'finished' && 'outcome' in rest ? rest : undefined
      return {
        id: id as PipelineId,
        createdAt,
        number,
        ref,
        ...present({ finishedAt: end?.finishedAt, outcome: end?.outcome }),
        ...present({ logsRemovedAt: (parsed(removed) as Removal | null)?.at }),
      }
    })
  }

  async listHeld(repositoryId: RepositoryId, at: number): Promise<Set<PipelineId>> {
    const rows = await this.#db
      .selectFrom('pipelines')
      .select(['id', 'hold'])
      .where('repository_id', '=', repositoryId)
      .where('hold', 'is not', null)
      .execute()
    const held = new Set(
      rows.filter(({ hold }) => isHeldAt(hold, at)).map(({ id }) => id as PipelineId),
    )
    // Iterates over added ids too: a rerun may have reruns.
    for (const id of held) {
      const reruns = await this.#db
        .selectFrom('pipelines')
        .select('id')
        .where('rerun_of', '=', id)
        .execute()
      for (const rerun of reruns) held.add(rerun.id as PipelineId)
    }
    return held
  }

  async setHold(id: PipelineId, hold: Hold | undefined): Promise<boolean> {
    const changed = await this.#db
      .updateTable('pipelines')
      .set({ hold: jsonOf(hold) })
      .where('id', '=', id)
      .returning('id')
      .executeTakeFirst()
    if (changed) this.#onHold(id)
    return changed !== undefined
  }

  async logBytes(id: PipelineId): Promise<number> {
    const { rows } = await sql<{ bytes: number | null }>`
      select sum(length(data)) as bytes from log_chunks
      where job_id in (select id from jobs where pipeline_id = ${id})`.execute(this.#db)
    return Number(rows[0]?.bytes ?? 0)
  }

  async findRemoval(id: PipelineId | JobId): Promise<Removal | undefined> {
    const row = await this.#db
      .selectFrom('removed_items')
      .select(['at', 'rule'])
      .where('id', '=', id)
      .executeTakeFirst()
    return row && { at: row.at, rule: row.rule }
  }

  async findLogRemoval(id: PipelineId): Promise<Removal | undefined> {
    const row = await this.#db
      .selectFrom('pipelines')
      .select('logs_removed')
      .where('id', '=', id)
      .executeTakeFirst()
    return (parsed(row?.logs_removed ?? null) as Removal | null) ?? undefined
  }

  async setRules(id: RepositoryId, { logs, pipelines }: { logs?: Keep; pipelines?: Keep }) {
    await this.#db
      .updateTable('repositories')
      .set({
        keep_logs: logs === undefined ? null : String(logs),
        keep_pipelines: pipelines === undefined ? null : String(pipelines),
      })
      .where('id', '=', id)
      .execute()
  }

  async removeLogs(id: PipelineId, removal: Removal): Promise<RemovedSome> {
    if (!(await this.#lockEnded(id, removal.at))) return NOTHING
    const some = await this.#removeSomeChunks(id)
    if (some.hasMore) return some
    await this.#db
      .updateTable('pipelines')
      .set({ logs_removed: JSON.stringify(removal) })
      .where('id', '=', id)
      .execute()
    return { ...some, isDone: true }
  }

  async removePipeline(id: PipelineId, removal: Removal): Promise<RemovedSome> {
    if (!(await this.#lockEnded(id, removal.at))) return NOTHING
    const { rows } = await sql`select 1 from pipelines where rerun_of = ${id} limit 1`.execute(
      this.#db,
    )
    if (rows.length > 0) return NOTHING
    const some = await this.#removeSomeChunks(id)
    if (some.rows > 0) return { ...some, hasMore: true }
    const jobs = await removeSomeJobs(this.#db, id, removal)
    if (jobs > 0) return { rows: jobs, bytes: 0, hasMore: true, isDone: false }
    const rest = await removeWithEvent(this.#db, id, removal)
    return { rows: rest, bytes: 0, hasMore: false, isDone: true }
  }

  sweepRepository(id: RepositoryId): Promise<RemovedSome> {
    return sweepRepository(this.#db, id)
  }

  async forgetRemovals(keep: number): Promise<number> {
    const { numAffectedRows } = await sql`
      delete from removed_items where id in (
        select id from removed_items order by at desc, id desc limit 1000 offset ${keep}
      )`.execute(this.#db)
    return Number(numAffectedRows ?? 0)
  }

  /** Locks it against reruns and holds. */
  async #lockEnded(id: PipelineId, at: number): Promise<boolean> {
    const row = await this.#db
      .selectFrom('pipelines')
      .select(['status', 'hold'])
      .where('id', '=', id)
      .$if(isPostgres(this.#db), (query) => query.forUpdate())
      .executeTakeFirst()
    return row?.status === 'finished' && !isHeldAt(row.hold, at)
  }

  async #removeSomeChunks(id: PipelineId): Promise<RemovedSome> {
    const { rows } = await sql<{ job: string; attempt: number; line: number; size: number }>`
      select c.job_id as job, c.attempt, c.first_line as line, length(c.data) as size
      from jobs j join log_chunks c on c.job_id = j.id
      where j.pipeline_id = ${id} limit ${STEP_CHUNKS}`.execute(this.#db)
    let bytes = 0
    let count = 0
    for (const { job, attempt, line, size } of rows) {
      if (count > 0 && bytes + Number(size) > STEP_BYTES) break
      await sql`delete from log_chunks
        where job_id = ${job} and attempt = ${attempt} and first_line = ${line}`.execute(this.#db)
      bytes += Number(size)
      count++
    }
    const hasMore = count < rows.length || rows.length === STEP_CHUNKS
    return { rows: count, bytes, hasMore, isDone: false }
  }
}

const NOTHING: RemovedSome = { rows: 0, bytes: 0, hasMore: false, isDone: false }

function keepOf(text: string | null): Keep | null {
  return text === null || text === 'forever' ? text : Number(text)
}

function isHeldAt(hold: string | null, at: number): boolean {
  return hold !== null && (JSON.parse(hold) as Hold).until > at
}
