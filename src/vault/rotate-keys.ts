import type { Doer } from '../core/audit/audit.ts'
import { NarwhalError } from '../lib/errors.ts'
import { present } from '../lib/present.ts'
import type { SealedValue } from '../store/ports/sealing.ts'
import type { Uses } from '../store/store.ts'
import { forgeTokenPlace } from './forge-tokens.ts'
import { gitCredentialsPlace } from './git-credentials.ts'
import { idTokenKeyPlace } from './id-token-keys.ts'
import { newSealingKey, readKeyFile, replaceKeyFile } from './key-file.ts'
import { Keyring, type SealedPlace } from './keyring.ts'
import { secretPlace } from './secret-values.ts'
import { webhookSecretPlace } from './webhook-secrets.ts'

/** Values resealed in one transaction; other writers may wait for it. */
const AT_A_TIME = 200

export interface Rotation {
  /** The key in use now, and the only one in the file. */
  readonly keyId: string
  /** How many values were resealed. */
  readonly sealed: number
  /** How many were discarded because their key is lost. */
  readonly forgotten: number
}

/** Adds a new key to the file; the next `rotateKeys` starts to use it. */
export function addKey(path: string): string {
  const key = newSealingKey()
  replaceKeyFile(path, [...(readKeyFile(path) ?? []), key])
  return key.id
}

/**
 * Reseals everything under the newest key of the file, which is created first unless one is waiting there,
 * and removes the others from the file. Safe while Narwhal runs: processes reread the file for a missing key.
 * An interrupted rotation is completed by the next one. Rejects with `invalid` if a key is missing; with
 * `isLost` the values it sealed are discarded instead.
 */
export async function rotateKeys(
  store: Uses<'sealing' | 'transact'>,
  path: string,
  { by, isLost = false }: { by: Doer; isLost?: boolean },
): Promise<Rotation> {
  const used = await store.sealing.findKey()
  const keys = readKeyFile(path) ?? []
  if (used !== undefined && !isLost && !keys.some(({ id }) => id === used)) {
    const words = `the database's secrets are sealed by key ${used}, which is not in ${path}: restore the key file that has it; if it is lost for good, --lost discards those secrets`
    throw new NarwhalError('invalid', words)
  }
  const waiting = keys.at(-1)
  const isNew = waiting === undefined || waiting.id === used
  const newest = isNew ? newSealingKey() : waiting
  // On disk before anything is sealed under it.
  if (isNew) replaceKeyFile(path, [...keys, newest])
  const keyring = new Keyring(isNew ? [...keys, newest] : keys)
  const subject = { id: newest.id, name: newest.id }
  await store.transact(async (write) => {
    await write.sealing.setKey(newest.id)
    const before = present({ before: used === undefined ? undefined : { keyId: used } })
    const after = { keyId: newest.id }
    write.audit.add(by, { action: 'sealing_key.rotated', subject, ...before, after })
  })
  let [sealed, forgotten] = [0, 0]
  for (;;) {
    const { result } = await store.transact(async (write) => {
      const values = await write.sealing.listOtherwise(newest.id, AT_A_TIME)
      const counts = { sealed: 0, forgotten: 0 }
      for (const value of values) {
        const again = sealAgain(keyring, value, isLost)
        await write.sealing.replace(value, again)
        counts[again === undefined ? 'forgotten' : 'sealed']++
      }
      if (counts.forgotten > 0) {
        write.audit.add(by, { action: 'sealed_values.forgotten', subject, after: counts })
      }
      return counts
    })
    sealed += result.sealed
    forgotten += result.forgotten
    if (result.sealed + result.forgotten === 0) break
  }
  replaceKeyFile(path, [newest])
  return { keyId: newest.id, sealed, forgotten }
}

function sealAgain(keyring: Keyring, value: SealedValue, isLost: boolean): string | undefined {
  const place = placeOf(value)
  try {
    return keyring.seal(keyring.open(value.sealed, place), place)
  } catch (error) {
    if (isLost) return undefined
    throw error
  }
}

function placeOf(value: SealedValue): SealedPlace {
  switch (value.kind) {
    case 'secret':
      return secretPlace(value)
    case 'webhook secret':
    case 'former webhook secret':
      return webhookSecretPlace(value.repositoryId)
    case 'forge token':
      return forgeTokenPlace(value.repositoryId)
    case 'git credentials':
      return gitCredentialsPlace(value.repositoryId)
    case 'id token key':
      return idTokenKeyPlace(value.kid)
  }
}
