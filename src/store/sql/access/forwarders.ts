import type { ForwarderReader, ForwarderRecord, ForwarderWriter } from '../../ports/sessions.ts'
import type { Db } from '../tables.ts'

export function forwarderReader(db: Db): ForwarderReader {
  return { isKnown: (hash, at) => isForwarder(db, hash, at) }
}

export function forwarderWriter(db: Db): ForwarderWriter {
  return {
    ...forwarderReader(db),
    put: (forwarder, at) => putForwarder(db, forwarder, at),
  }
}

async function isForwarder(db: Db, hash: string, at: number): Promise<boolean> {
  const row = await db
    .selectFrom('forwarders')
    .select('hash')
    .where('hash', '=', hash)
    .where('ends_at', '>', at)
    .executeTakeFirst()
  return row !== undefined
}

async function putForwarder(db: Db, { hash, endsAt }: ForwarderRecord, at: number): Promise<void> {
  await db.deleteFrom('forwarders').where('ends_at', '<=', at).execute()
  await db
    .insertInto('forwarders')
    .values({ hash, ends_at: endsAt })
    .onConflict((conflict) => conflict.column('hash').doUpdateSet({ ends_at: endsAt }))
    .execute()
}
