import { ApiClient } from '../../src/client/client.ts'
import { readOwnToken } from '../../src/lib/reach/own-token.ts'

/** What dispatchers show to the runners that tests start, unless a test chooses another. */
export const RUNNER_TOKEN = 'the-runner-token-of-the-tests'

/** The administrator's token of installations that begin with a chosen one: `NARWHAL_FIRST_TOKEN`. */
export const FIRST_TOKEN = 'narwhal_the-first-token-of-the-tests'

/** What opens the figures of the processes of `startDistributed`. */
export const METRICS_TOKEN = 'the-metrics-token-of-the-tests'

/** The header that shows an access token. */
export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` }
}

/** The administrator's token that a Narwhal has put into its data folder. */
export function tokenIn(dataDir: string): string {
  const token = readOwnToken(dataDir, 'access')
  if (!token) throw new Error(`there is no token in ${dataDir} yet`)
  return token
}

/**
 * A client with the token of a data folder, which is read at the first need: it may be made before
 * the process that makes the token.
 */
export function clientOf(
  server: string,
  dataDir: string,
  signal: AbortSignal = new AbortController().signal,
): ApiClient {
  return new ApiClient(
    {
      server,
      get token() {
        return readOwnToken(dataDir, 'access')
      },
    },
    signal,
  )
}
