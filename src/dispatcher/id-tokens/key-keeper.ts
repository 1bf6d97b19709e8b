import { keepDoing } from '../../lib/async/keep-doing.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Uses } from '../../store/store.ts'
import { ensureIdTokenKeys } from '../../vault/id-token-keys.ts'
import type { Vault } from '../../vault/vault.ts'
import type { IdTokenMinter } from './minter.ts'

const POLL_MS = 3_600_000
const RETRY_MS = 60_000

export interface KeyKeeperDeps {
  readonly store: Uses<'idTokens' | 'transact'>
  readonly vault: Vault
  readonly minter: Pick<IdTokenMinter, 'trouble'>
  readonly log: Logger
}

/**
 * Creates the key that signs id tokens, and the next one in time, in the background until disposed. Every
 * process with a vault does so; if no token could be minted, no key is created.
 */
export function keepIdTokenKeys({ minter, log, ...deps }: KeyKeeperDeps): AsyncDisposable {
  if (minter.trouble !== undefined) return { [Symbol.asyncDispose]: async () => {} }
  return keepDoing({
    everyMs: POLL_MS,
    retryMs: RETRY_MS,
    work: async () => void (await ensureIdTokenKeys(deps)),
    onError: (error) =>
      log.warn({ reason: describeError(error) }, 'ensuring a signing key for id tokens failed'),
  })
}
