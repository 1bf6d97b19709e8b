import { call, type ServerAddress } from '../../client/http-client.ts'
import type { RedactedLog } from '../../contract/rest/rest-logs.ts'
import type { AttemptRef } from '../../core/ids.ts'

/** Takes the text of an attempt's log, or of its steps of a name, out of Narwhal. */
export async function redactLog(
  address: ServerAddress,
  { jobId, attempt, step }: AttemptRef & { readonly step?: string | undefined },
  signal: AbortSignal,
): Promise<RedactedLog> {
  const body = step === undefined ? {} : { step }
  const params = { job: jobId, attempt }
  return await call({ address, signal }, 'redactLog', { params, body })
}
