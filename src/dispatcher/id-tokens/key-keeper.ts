import { keepDoing } from '../../lib/async/keep-doing.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Store } from '../../store/store.ts'
import { ensureIdTokenKeys } from '../../vault/id-token-keys.ts'
import type { Vault } from '../../vault/vault.ts'
import type { IdTokenMinter } from './minter.ts'

const LOOK_MS = 3_600_000
const RETRY_MS = 60_000

export interface KeyKeeperDeps {
  readonly store: Store
  readonly vault: Vault
  readonly minter: Pick<IdTokenMinter, 'trouble'>
  readonly log: Logger
}

/**
 * Sees to it, in the background, that there is a key that signs id tokens, and the next one in time, from now
 * on until its disposal. Every process that has the vault does so; where nobody could use a token, none is made.
 */
export function keepIdTokenKeys({ minter, log, ...deps }: KeyKeeperDeps): AsyncDisposable {
  if (minter.trouble !== undefined) return { [Symbol.asyncDispose]: async () => {} }
  return keepDoing({
    everyMs: LOOK_MS,
    retryMs: RETRY_MS,
    work: async () => void (await ensureIdTokenKeys(deps)),
    onError: (error) =>
      log.warn({ reason: describeError(error) }, 'there may be no key that signs id tokens'),
  })
}
