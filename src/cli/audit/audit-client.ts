import { call, callLines, type ServerAddress } from '../../client/http-client.ts'
import type { ChainedEntry } from '../../contract/rest/audit-chain.ts'
import type { GivenTo } from '../../contract/rest/endpoints/endpoint.ts'
import type { Endpoints } from '../../contract/rest/endpoints/endpoints.ts'
import { type AuditList, auditEntry } from '../../contract/rest/rest-audit.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { parseJson } from '../../lib/parse-json.ts'

export type AuditListQuery = NonNullable<GivenTo<Endpoints['listAudit']>['query']>

export async function listAudit(
  address: ServerAddress,
  query: AuditListQuery,
  signal: AbortSignal,
): Promise<AuditList> {
  return await call({ address, signal }, 'listAudit', { query })
}

export async function readAuditHead(address: ServerAddress, signal: AbortSignal) {
  return await call({ address, signal }, 'getAuditHead', {})
}

/** The current entries after a number, oldest first. */
export async function* readAuditLines(
  address: ServerAddress,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<ChainedEntry> {
  for await (const line of callLines({ address, signal }, 'readAuditLines', { query: { after } })) {
    yield parseEntry(line, `the server at ${address.server}`)
  }
}

/** Throws `invalid` for what isn't an entry; `where` says where it was read. */
export function parseEntry(line: string, where: string): ChainedEntry {
  const parsed = auditEntry.safeParse(parseJson(line))
  if (parsed.success) return parsed.data
  const given = JSON.stringify(line.slice(0, 80))
  const message = `${where} has a line that is not an audit entry: ${given}`
  throw new NarwhalError('invalid', message, { cause: parsed.error })
}
