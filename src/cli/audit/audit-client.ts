import { callJson, callLines, type ServerAddress } from '../../client/http-client.ts'
import type { ChainedEntry } from '../../contract/rest/audit-chain.ts'
import {
  type AuditList,
  type AuditListQuery,
  auditEntry,
  auditHead,
  auditList,
} from '../../contract/rest/rest-audit.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { parseJson } from '../../lib/parse-json.ts'

/** What the API tells of the audit log. */

export async function listAudit(
  address: ServerAddress,
  query: AuditListQuery,
  signal: AbortSignal,
): Promise<AuditList> {
  const asked = query as Readonly<Record<string, string | number | undefined>>
  return await callJson(address, '/audit', auditList, { query: asked, signal })
}

export async function readAuditHead(address: ServerAddress, signal: AbortSignal) {
  return await callJson(address, '/audit/head', auditHead, { signal })
}

/** All entries behind a number, oldest first, as they are there now. */
export async function* readAuditLines(
  address: ServerAddress,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<ChainedEntry> {
  for await (const line of callLines(address, '/audit/lines', { query: { after }, signal })) {
    yield parseEntry(line, `the server at ${address.server}`)
  }
}

/** Rejects with `invalid` what is no entry; `where` it stands. */
export function parseEntry(line: string, where: string): ChainedEntry {
  const parsed = auditEntry.safeParse(parseJson(line))
  if (parsed.success) return parsed.data
  const given = JSON.stringify(line.slice(0, 80))
  const message = `${where} has a line that is no entry of an audit log: ${given}`
  throw new NarwhalError('invalid', message, { cause: parsed.error })
}
