import { ID_TOKEN_ALGORITHM } from '../contract/id-tokens/documents.ts'
import { type Doer, systemDoer } from '../core/audit/audit.ts'
import {
  missingKey,
  PUBLISHED_AFTER_MS,
  PUBLISHED_AHEAD_MS,
  publishedKeys,
  waitingKey,
} from '../core/id-token/id-token-keys.ts'
import type { IdTokenKeyRecord } from '../store/records.ts'
import type { Uses, Writes } from '../store/store.ts'
import type { SealedPlace } from './keyring.ts'
import type { Vault } from './vault.ts'

/**
 * Accepted by all verifiers and ten times faster to sign with than 4096; a key signs for a few months only.
 */
const KEY_BITS = 2048

interface KeyDeps {
  readonly store: Uses<'idTokens' | 'transact'>
  readonly vault: Vault
}

/** The sealed place of a private key. */
export function idTokenKeyPlace(kid: string): SealedPlace {
  return ['id token key', kid]
}

/**
 * Creates the missing key, if any; concurrent processes create only one. Resolves to all keys. The very first
 * key signs at once, as no verifier can have cached a list without it; any later one is published for a day
 * first.
 */
export async function ensureIdTokenKeys(deps: KeyDeps): Promise<readonly IdTokenKeyRecord[]> {
  const keys = await deps.store.idTokens.listKeys()
  if (!missingKey(keys, Date.now())) return keys
  const pair = await makePair()
  const by = systemDoer('narwhal', 'a key that signs id tokens was missing')
  await writeKey(deps, { ...pair, by }, (keys, now) => {
    const missing = missingKey(keys, now)
    return missing && { signsAt: missing === 'next' ? now + PUBLISHED_AHEAD_MS : now }
  })
  return await deps.store.idTokens.listKeys()
}

/**
 * Creates the next key, unless one is waiting already. With `now` it signs at once, and all others are
 * withdrawn: verifiers that refresh the list reject what they signed.
 */
export async function rotateIdTokenKeys(
  deps: KeyDeps,
  { now: isNow, by }: { readonly now: boolean; readonly by: Doer },
): Promise<readonly IdTokenKeyRecord[]> {
  const pair = await makePair()
  await writeKey(deps, { ...pair, by }, (keys, now) => {
    if (isNow) return { signsAt: now, withdraws: true }
    if (waitingKey(keys, now)) return undefined
    return { signsAt: publishedKeys(keys, now).length > 0 ? now + PUBLISHED_AHEAD_MS : now }
  })
  return await deps.store.idTokens.listKeys()
}

/** Retires a key for good, also one restored from a backup; false if there is no such key. */
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

/** Writes a new key if `decide`, called within the transaction, wants one. */
async function writeKey(
  { store, vault }: KeyDeps,
  { kid, publicKey, privateKey, by }: Pair & { readonly by: Doer },
  decide: (
    keys: readonly IdTokenKeyRecord[],
    now: number,
  ) => { readonly signsAt: number; readonly withdraws?: true } | undefined,
): Promise<void> {
  await store.transact(async (write) => {
    // Sealing takes a lock: of two processes the second sees the first one's key.
    const sealed = await vault.seal(write, privateKey, idTokenKeyPlace(kid))
    const keys = await write.idTokens.listKeys()
    const now = Date.now()
    const wanted = decide(keys, now)
    if (!wanted) return
    const { signsAt, withdraws } = wanted
    const leavesAt = withdraws ? now : signsAt + PUBLISHED_AFTER_MS
    for (const key of keys) await endKey(write, key, { leavesAt, now })
    await write.idTokens.saveKey({ kid, publicKey, sealed, createdAt: now, signsAt })
    const after = { signsAt, replacesAll: withdraws ?? false }
    write.audit.add(by, { action: 'id_token_key.made', subject: { id: kid, name: kid }, after })
  })
}

/** The private key is deleted once the key is no longer published. */
async function endKey(
  write: Writes<'idTokens'>,
  key: IdTokenKeyRecord,
  { leavesAt: until, now }: { leavesAt: number; now: number },
): Promise<void> {
  const leavesAt = Math.min(key.leavesAt ?? until, until)
  const sealed = leavesAt <= now ? '' : key.sealed
  if (leavesAt === key.leavesAt && sealed === key.sealed) return
  await write.idTokens.saveKey({ ...key, leavesAt, sealed })
}
