import { ID_TOKEN_ALGORITHM } from '../contract/id-tokens/documents.ts'
import { type Doer, systemDoer } from '../core/audit/audit.ts'
import {
  missingKey,
  SHOWN_AFTER_MS,
  SHOWN_AHEAD_MS,
  shownKeys,
  waitingKey,
} from '../core/id-token/id-token-keys.ts'
import type { IdTokenKeyRecord } from '../store/records.ts'
import type { Store, StoreWriter } from '../store/store.ts'
import type { SealedPlace } from './keyring.ts'
import type { Vault } from './vault.ts'

/** What all verifiers take; a key signs for some months, and a tenth of a signature's time of 4096. */
const KEY_BITS = 2048

interface KeyDeps {
  readonly store: Store
  readonly vault: Vault
}

/** Where the private half of a key is sealed for. */
export function idTokenKeyPlace(kid: string): SealedPlace {
  return ['id token key', kid]
}

/**
 * Makes the key that is missing, if one is; several processes make one together. Resolves to all keys.
 * The very first signs at once, since nobody can have looked before; any other is shown for a day first.
 */
export async function ensureIdTokenKeys(deps: KeyDeps): Promise<readonly IdTokenKeyRecord[]> {
  const keys = await deps.store.idTokens.listKeys()
  if (!missingKey(keys, Date.now())) return keys
  const pair = await makePair()
  const by = systemDoer('narwhal', 'a key that signs id tokens was missing')
  await writeKey(deps, { ...pair, by }, (known, now) => {
    const missing = missingKey(known, now)
    return missing && { signsAt: missing === 'next' ? now + SHOWN_AHEAD_MS : now }
  })
  return await deps.store.idTokens.listKeys()
}

/**
 * Makes the next key, unless one is waiting already. With `now` it signs at once, and all others are
 * neither shown nor used any more: what was signed by them is refused by whoever looks anew.
 */
export async function rotateIdTokenKeys(
  deps: KeyDeps,
  { now: isNow, by }: { readonly now: boolean; readonly by: Doer },
): Promise<readonly IdTokenKeyRecord[]> {
  const pair = await makePair()
  await writeKey(deps, { ...pair, by }, (known, now) => {
    if (isNow) return { signsAt: now, withdraws: true }
    if (waitingKey(known, now)) return undefined
    return { signsAt: shownKeys(known, now).length > 0 ? now + SHOWN_AHEAD_MS : now }
  })
  return await deps.store.idTokens.listKeys()
}

/** Takes a key out of use for good, also one that came back with a backup; false: it is not there. */
export async function retireIdTokenKey(
  { store }: Pick<KeyDeps, 'store'>,
  { kid, by }: { readonly kid: string; readonly by: Doer },
): Promise<boolean> {
  const { result } = await store.transact(async (write) => {
    const key = (await write.idTokens.listKeys()).find((one) => one.kid === kid)
    if (!key) return false
    const now = Date.now()
    await endKey(write, key, { leavesAt: now, now })
    write.audit.add(by, { action: 'id_token_key.retired', subject: { id: kid, name: kid } })
    return true
  })
  return result
}

interface Pair {
  readonly kid: string
  readonly publicKey: string
  readonly privateKey: string
}

async function makePair(): Promise<Pair> {
  const { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair } = await import('jose')
  const { publicKey, privateKey } = await generateKeyPair(ID_TOKEN_ALGORITHM, {
    modulusLength: KEY_BITS,
    extractable: true,
  })
  const { kty, n, e } = await exportJWK(publicKey)
  const jwk = { kty, n, e }
  const kid = await calculateJwkThumbprint({ kty: 'RSA', n: n ?? '', e: e ?? '' })
  return { kid, publicKey: JSON.stringify(jwk), privateKey: await exportPKCS8(privateKey) }
}

/** Writes a new key if `decide`, which sees what is there then, wants one. */
async function writeKey(
  { store, vault }: KeyDeps,
  { kid, publicKey, privateKey, by }: Pair & { readonly by: Doer },
  decide: (
    known: readonly IdTokenKeyRecord[],
    now: number,
  ) => { readonly signsAt: number; readonly withdraws?: true } | undefined,
): Promise<void> {
  await store.transact(async (write) => {
    // Sealing waits for whoever else is sealing: of two processes the second sees the first one's key.
    const sealed = await vault.seal(write, privateKey, idTokenKeyPlace(kid))
    const known = await write.idTokens.listKeys()
    const now = Date.now()
    const wanted = decide(known, now)
    if (!wanted) return
    const { signsAt, withdraws } = wanted
    const leavesAt = withdraws ? now : signsAt + SHOWN_AFTER_MS
    for (const key of known) await endKey(write, key, { leavesAt, now })
    await write.idTokens.saveKey({ kid, publicKey, sealed, createdAt: now, signsAt })
    const after = { signsAt, replacesAll: withdraws ?? false }
    write.audit.add(by, { action: 'id_token_key.made', subject: { id: kid, name: kid }, after })
  })
}

/** The private half goes with the last moment at which the key is shown. */
async function endKey(
  write: StoreWriter,
  key: IdTokenKeyRecord,
  { leavesAt: until, now }: { leavesAt: number; now: number },
): Promise<void> {
  const leavesAt = Math.min(key.leavesAt ?? until, until)
  const sealed = leavesAt <= now ? '' : key.sealed
  if (leavesAt === key.leavesAt && sealed === key.sealed) return
  await write.idTokens.saveKey({ ...key, leavesAt, sealed })
}
