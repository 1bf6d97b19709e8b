import { ApiClient } from '../../src/client/client.ts'
import { readOwnToken } from '../../src/lib/reach/own-token.ts'

/** The token that dispatchers send to the tests' runners, unless a test chooses another. */
export const RUNNER_TOKEN = 'the-runner-token-of-the-tests'

/** The administrator's token of installations with a chosen one: `NARWHAL_FIRST_TOKEN`. */
export const FIRST_TOKEN = 'narwhal_the-first-token-of-the-tests'

/** The token for the metrics of the processes of `startDistributed`. */
export const METRICS_TOKEN = 'the-metrics-token-of-the-tests'

export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` }
}

/** The administrator's token that a Narwhal has stored in its data folder. */
export function tokenIn(dataDir: string): string {
  const token = readOwnToken(dataDir, 'access')
  if (!token) throw new Error(`there is no token in ${dataDir} yet`)
  return token
}

/**
 * A client with the token of a data folder, which is read at first use: it may be created before the process
 * that creates the token.
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
