import { setTimeout as sleep } from 'node:timers/promises'
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
  const stop = new AbortController()
  const { signal } = stop
  const keep = async (): Promise<void> => {
    while (!signal.aborted) {
      const waitMs = await ensureIdTokenKeys(deps).then(
        () => LOOK_MS,
        (error: unknown) => {
          log.warn({ reason: describeError(error) }, 'there may be no key that signs id tokens')
          return RETRY_MS
        },
      )
      await sleep(waitMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }
  const kept = minter.trouble === undefined ? keep() : Promise.resolve()
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await kept
    },
  }
}
