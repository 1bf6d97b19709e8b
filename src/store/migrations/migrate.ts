import { type Migration, Migrator } from 'kysely/migration'
import { NarwhalError } from '../../lib/errors.ts'
import type { Db } from '../sql/tables.ts'
import { initial } from './0001-initial.ts'
import { leases } from './0002-leases.ts'
import { endedEvents } from './0003-ended-events.ts'
import { eventDetails } from './0004-event-details.ts'
import { placements } from './0005-placements.ts'
import { sealing } from './0006-sealing.ts'
import { users } from './0007-users.ts'
import { groups } from './0008-groups.ts'
import { outputs } from './0009-outputs.ts'
import { statuses } from './0010-statuses.ts'
import { secrets } from './0011-secrets.ts'
import { included } from './0012-included.ts'
import { access } from './0013-access.ts'
import { strangers } from './0014-strangers.ts'
import { formerWebhookSecrets } from './0015-former-webhook-secrets.ts'
import { bounds } from './0016-bounds.ts'
import { audit } from './0017-audit.ts'
import { idTokens } from './0018-id-tokens.ts'
import { flawedTools } from './0019-flawed-tools.ts'
import { closedRequests } from './0020-closed-requests.ts'
import { pipelineFiles } from './0021-pipeline-files.ts'
import { forgeAccounts } from './0022-forge-accounts.ts'
import { redactions } from './0023-redactions.ts'
import { secretRules } from './0024-secret-rules.ts'
import { narrowerTokens } from './0025-narrower-tokens.ts'
import { holdsAndRunners } from './0026-holds-and-runners.ts'
import { forgeRefusals } from './0027-forge-refusals.ts'
import { moves } from './0028-moves.ts'
import { lookups } from './0030-lookups.ts'
import { forgePaths } from './0031-forge-paths.ts'
import { gitCredentials } from './0032-git-credentials.ts'

/** All migrations. Their names never change: they record which ones a database has had. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-initial': initial,
  '0002-leases': leases,
  '0003-ended-events': endedEvents,
  '0004-event-details': eventDetails,
  '0005-placements': placements,
  '0006-sealing': sealing,
  '0007-users': users,
  '0008-groups': groups,
  '0009-outputs': outputs,
  '0010-statuses': statuses,
  '0011-secrets': secrets,
  '0012-included': included,
  '0013-access': access,
  '0014-strangers': strangers,
  '0015-former-webhook-secrets': formerWebhookSecrets,
  '0016-bounds': bounds,
  '0017-audit': audit,
  '0018-id-tokens': idTokens,
  '0019-flawed-tools': flawedTools,
  '0020-closed-requests': closedRequests,
  '0021-pipeline-files': pipelineFiles,
  '0022-forge-accounts': forgeAccounts,
  '0023-redactions': redactions,
  '0024-secret-rules': secretRules,
  '0025-narrower-tokens': narrowerTokens,
  '0026-holds-and-runners': holdsAndRunners,
  '0027-forge-refusals': forgeRefusals,
  '0028-moves': moves,
  '0030-lookups': lookups,
  '0031-forge-paths': forgePaths,
  '0032-git-credentials': gitCredentials,
}

/**
 * Migrates the tables. Several processes may do so concurrently: one does it, the others wait. Rejects
 * with `invalid` if the database was written by a newer Narwhal.
 */
export async function migrate(db: Db, migrations = MIGRATIONS): Promise<void> {
  await refuseNewer(db, migrations)
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
  })
  const { error } = await migrator.migrateToLatest()
  if (error === undefined) return
  await refuseNewer(db, migrations)
  throw NarwhalError.from(error, isDiscarded(error) ? 'unavailable' : 'internal')
}

/** Kysely's message when the server has closed the connection during a transaction. */
function isDiscarded(error: unknown): boolean {
  return error instanceof Error && error.message === 'Postgres connection has been discarded'
}

async function refuseNewer(db: Db, migrations: Readonly<Record<string, Migration>>): Promise<void> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some(({ name }) => name === 'kysely_migration')) return
  const done = await db
    .withTables<{ kysely_migration: { name: string } }>()
    .selectFrom('kysely_migration')
    .select('name')
    .execute()
  const unknown = done.find(({ name }) => !(name in migrations))
  if (!unknown) return
  const message = `the database was written by a newer Narwhal (it has ${unknown.name}); run that version, or restore an older backup`
  throw new NarwhalError('invalid', message)
}
