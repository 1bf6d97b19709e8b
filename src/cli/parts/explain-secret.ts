import { call, type ServerAddress } from '../../client/http-client.ts'
import type { ExplainedSecret } from '../../contract/rest/rest-secrets.ts'
import type { PipelineId } from '../../core/ids.ts'

/** Asks which jobs of a pipeline would get a secret. */
export async function explainSecret(
  address: ServerAddress,
  { pipeline, name }: { readonly pipeline: PipelineId; readonly name: string },
  signal: AbortSignal,
): Promise<ExplainedSecret> {
  return await call({ address, signal }, 'explainSecret', { params: { pipeline, secret: name } })
}
