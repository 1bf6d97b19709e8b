import { callJson, type ServerAddress } from '../../client/http-client.ts'
import { type RedactedLog, redactedLog } from '../../contract/rest/rest-logs.ts'
import type { AttemptRef } from '../../core/ids.ts'

/** Takes the text of an attempt's log, or of its steps of a name, out of Narwhal. */
export async function redactLog(
  address: ServerAddress,
  { jobId, attempt, step }: AttemptRef & { readonly step?: string | undefined },
  signal: AbortSignal,
): Promise<RedactedLog> {
  const path = `/jobs/${encodeURIComponent(jobId)}/attempts/${attempt}/log/redact`
  const body = step === undefined ? {} : { step }
  return await callJson(address, path, redactedLog, { method: 'POST', body, signal })
}
