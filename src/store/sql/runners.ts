import type { FlawedTool } from '../../core/flawed-tool.ts'
import type { DispatcherId, RunnerId } from '../../core/ids.ts'
import type { Engine } from '../../core/placement/placement.ts'
import type { Link, Runner } from '../../core/runner/runner.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { RunnerReader, RunnerWriter } from '../ports/runners.ts'
import { runnerView } from '../views.ts'
import { batches, jsonOf, parsed } from './rows.ts'
import type { ChangedIds } from './state-changes.ts'
import type { Db, RunnerRow } from './tables.ts'

export function runnerReader(db: Db): RunnerReader {
  return {
    find: (idOrName) => findRunner(db, idOrName),
    findByIdentity: (hash) => findRunnerByIdentity(db, hash),
    list: () => listRunners(db),
    listViews: async () => (await listRunners(db)).map(runnerView),
  }
}

export function runnerWriter(db: Db, changed: ChangedIds): RunnerWriter {
  return {
    ...runnerReader(db),
    save: async (runner) => {
      await saveRunner(db, runner)
      changed.add('runner', runner.id)
    },
    note: async (runner, by) => {
      const noted = await noteRunner(db, runner, by)
      if (noted) changed.add('runner', runner.id)
      return noted
    },
    setDraining: async (id, draining) => {
      await setDraining(db, id, draining)
      changed.add('runner', id)
    },
    countFailure: (id, failed) => countFailure(db, id, failed),
    setAside: async (id, reason) => {
      await setAside(db, id, reason)
      changed.add('runner', id)
    },
    remove: (id) => removeRunner(db, id),
  }
}

async function findRunner(db: Db, idOrName: string): Promise<Runner | undefined> {
  const rows = await db
    .selectFrom('runners')
    .selectAll()
    .where((is) => is.or([is('id', '=', idOrName), is('name', '=', idOrName)]))
    .execute()
  const row = rows.find(({ id }) => id === idOrName) ?? rows[0]
  return row && runnerOf(row)
}

async function listRunners(db: Db): Promise<Runner[]> {
  const rows = await db.selectFrom('runners').selectAll().orderBy('name').execute()
  return rows.map(runnerOf)
}

/** The runners with the ids, in no particular order. */
export async function runnersOf(db: Db, ids: readonly RunnerId[]): Promise<Runner[]> {
  const runners: Runner[] = []
  for (const batch of batches(ids)) {
    const rows = await db.selectFrom('runners').selectAll().where('id', 'in', batch).execute()
    runners.push(...rows.map(runnerOf))
  }
  return runners
}

async function saveRunner(db: Db, runner: Runner): Promise<void> {
  const row = rowOf(runner)
  const { numUpdatedRows } = await db
    .updateTable('runners')
    .set(row)
    .where('id', '=', runner.id)
    .executeTakeFirst()
  if (numUpdatedRows > 0n) return
  const inserted = await db
    .insertInto('runners')
    .values({ id: runner.id, ...row })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .returning('id')
    .executeTakeFirst()
  if (!inserted)
    throw new NarwhalError('conflict', `a runner named "${runner.name}" already exists`)
}

/** Only what a dispatcher observes; the other columns are set by people and tokens. */
async function noteRunner(db: Db, runner: Runner, by: DispatcherId): Promise<boolean> {
  const row = rowOf(runner)
  const { numUpdatedRows } = await db
    .updateTable('runners')
    .set({
      members: row.members,
      state: row.state,
      reason: row.reason,
      labels: row.labels,
      engines: row.engines,
      stranger_engines: row.stranger_engines,
      flawed_tools: row.flawed_tools,
      slots: row.slots,
      busy: row.busy,
      hardware: row.hardware,
      software_version: row.software_version,
      last_seen_at: row.last_seen_at,
      ...(runner.state === 'offline' ? {} : { seen_by: by }),
    })
    .where('id', '=', runner.id)
    .$if(runner.state === 'offline', (query) =>
      query.where((is) =>
        is.or([
          is('seen_by', 'is', null),
          is('seen_by', '=', by),
          is('seen_by', 'not in', is.selectFrom('dispatchers').select('id')),
        ]),
      ),
    )
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

async function findRunnerByIdentity(db: Db, hash: string): Promise<Runner | undefined> {
  const row = await db
    .selectFrom('runners')
    .selectAll()
    .where('identity_hash', '=', hash)
    .executeTakeFirst()
  return row && runnerOf(row)
}

async function setDraining(db: Db, id: RunnerId, draining: boolean): Promise<void> {
  const row = { draining: Number(draining) }
  await db.updateTable('runners').set(row).where('id', '=', id).execute()
}

async function countFailure(db: Db, id: RunnerId, failed: boolean): Promise<number> {
  const row = await db
    .updateTable('runners')
    .set((is) => ({ failures: failed ? is('failures', '+', 1) : 0 }))
    .where('id', '=', id)
    .returning('failures')
    .executeTakeFirst()
  return row?.failures ?? 0
}

async function setAside(db: Db, id: RunnerId, reason: string | undefined): Promise<void> {
  const row = reason === undefined ? { aside_reason: null, failures: 0 } : { aside_reason: reason }
  await db.updateTable('runners').set(row).where('id', '=', id).execute()
}

async function removeRunner(db: Db, id: RunnerId): Promise<void> {
  await db.deleteFrom('runners').where('id', '=', id).execute()
}

function rowOf(runner: Runner): Omit<RunnerRow, 'id'> {
  return {
    name: runner.name,
    ...linkColumns(runner.link),
    members: runner.members,
    state: runner.state,
    reason: runner.reason ?? null,
    labels: JSON.stringify(runner.labels),
    engines: JSON.stringify(runner.engines),
    slots: runner.slots,
    busy: runner.busy,
    hardware: jsonOf(runner.hardware),
    software_version: runner.softwareVersion ?? null,
    registered_at: runner.registeredAt,
    last_seen_at: runner.lastSeenAt ?? null,
    draining: Number(runner.draining),
    failures: runner.failures,
    aside_reason: runner.asideReason ?? null,
    seen_by: runner.seenBy ?? null,
    allowed_labels: jsonOf(runner.allowedLabels),
    stranger_engines: jsonOf(runner.strangerEngines),
    flawed_tools: jsonOf(runner.flawedTools),
    ephemeral: Number(runner.ephemeral ?? false),
  }
}

type LinkColumns = Pick<RunnerRow, 'link' | 'url' | 'balanced' | 'link_token' | 'identity_hash'>

function linkColumns(link: Link): LinkColumns {
  const none = { link: link.kind, url: null, balanced: 0, link_token: null, identity_hash: null }
  switch (link.kind) {
    case 'in-process':
      return none
    case 'dialled': {
      const { url, balanced, token = null } = link
      return { ...none, url, balanced: Number(balanced), link_token: token }
    }
    case 'attached':
      return { ...none, identity_hash: link.identityHash }
  }
}

/** The columns of a kind of link were written together with it. */
function linkOf(row: LinkColumns): Link {
  const kind = row.link as Link['kind']
  switch (kind) {
    case 'in-process':
      return { kind }
    case 'dialled': {
      const { url, balanced, link_token: token } = row
      return { kind, url: url ?? '', balanced: balanced !== 0, ...present({ token }) }
    }
    case 'attached':
      return { kind, identityHash: row.identity_hash ?? '' }
  }
}

function runnerOf(row: RunnerRow): Runner {
  return {
    id: row.id as RunnerId,
    name: row.name,
    link: linkOf(row),
    members: row.members,
    state: row.state as Runner['state'],
    labels: JSON.parse(row.labels) as string[],
    engines: JSON.parse(row.engines) as Engine[],
    slots: row.slots,
    busy: row.busy,
    registeredAt: row.registered_at,
    draining: row.draining !== 0,
    failures: row.failures,
    ...present({
      reason: row.reason,
      hardware: parsed(row.hardware) as Runner['hardware'] | null,
      softwareVersion: row.software_version,
      lastSeenAt: row.last_seen_at,
      asideReason: row.aside_reason,
      seenBy: row.seen_by as DispatcherId | null,
      allowedLabels: parsed(row.allowed_labels) as string[] | null,
      strangerEngines: parsed(row.stranger_engines) as Engine[] | null,
      flawedTools: parsed(row.flawed_tools) as FlawedTool[] | null,
      ephemeral: row.ephemeral === 0 ? undefined : (true as const),
    }),
  }
}
