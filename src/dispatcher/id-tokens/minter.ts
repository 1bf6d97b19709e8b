import type { CryptoKey } from 'jose'
import { claimsOf, type TokenFacts } from '../../contract/id-tokens/claims.ts'
import { ID_TOKEN_ALGORITHM, issuerTrouble } from '../../contract/id-tokens/documents.ts'
import { subjectIdsOf } from '../../contract/id-tokens/subject.ts'
import { ID_TOKEN_MS, type IdTokenSpec } from '../../core/id-token/id-token.ts'
import { signingKey } from '../../core/id-token/id-token-keys.ts'
import type { RepositoryId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { newId } from '../../lib/new-id.ts'
import type { IdTokenKeyRecord } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'
import { ensureIdTokenKeys, idTokenKeyPlace } from '../../vault/id-token-keys.ts'
import type { Vault } from '../../vault/vault.ts'

export interface IdTokenMinterDeps {
  readonly store: Uses<'idTokens' | 'transact'>
  readonly vault: Vault
  /** The `iss` claim of every token, and the address of the discovery documents; byte for byte. */
  readonly issuer?: string | undefined
  /** Why there are no tokens, as a message, if that is not for lack of an issuer. */
  readonly trouble?: string
}

export interface MintedToken {
  readonly token: string
  /** How long it is valid from now on. */
  readonly lifetimeMs: number
}

/** So that services whose clock is a little behind accept a new token. */
const BACKDATED_MS = 30_000
/** The shortest lifetime of a token: a job that was paused may have exceeded its timeout. */
const SHORTEST_MS = 10_000

/**
 * Mints id tokens. The signing key and the ids of a repository are read from the store each time, so that all
 * processes agree; opened keys are cached. Only this process's clock is used.
 */
export class IdTokenMinter {
  readonly #deps: IdTokenMinterDeps
  readonly #keys = new Map<string, CryptoKey>()
  readonly #ids = new Map<RepositoryId, string>()

  constructor(deps: IdTokenMinterDeps) {
    this.#deps = deps
  }

  get issuer(): string | undefined {
    return this.#deps.issuer
  }

  /** Why no token can be minted, and what to do, as a message. */
  get trouble(): string | undefined {
    return this.#deps.trouble ?? issuerTrouble(this.#deps.issuer)
  }

  /** `endsAt`: the latest end of the job; epoch milliseconds of this machine. */
  async mint(
    spec: IdTokenSpec,
    facts: Omit<TokenFacts, 'ids'>,
    endsAt: number,
  ): Promise<MintedToken> {
    const { issuer } = this.#deps
    const { trouble } = this
    if (trouble !== undefined || issuer === undefined) {
      throw new NarwhalError('unavailable', trouble ?? 'no issuer of id tokens is set')
    }
    const { kid, key } = await this.#signingKey()
    const { sub, aud, ...claims } = claimsOf(
      { ...facts, ids: await this.#idsOf(facts.repository) },
      spec,
    )
    // Imported late: it slows down the start of the process, and few jobs need it.
    const { SignJWT } = await import('jose')
    const now = Date.now()
    const wanted = Math.min(spec.lifetimeMs ?? ID_TOKEN_MS, endsAt - now)
    const lifetimeMs = Math.max(SHORTEST_MS, wanted)
    const begins = Math.floor((now - BACKDATED_MS) / 1000)
    const token = await new SignJWT({ ...claims, sub, aud })
      .setProtectedHeader({ alg: ID_TOKEN_ALGORITHM, kid, typ: 'JWT' })
      .setIssuer(issuer)
      .setIssuedAt(begins)
      .setNotBefore(begins)
      .setExpirationTime(Math.ceil((now + lifetimeMs) / 1000))
      .setJti(newId('idtoken'))
      .sign(key)
    return { token, lifetimeMs }
  }

  async #signingKey(): Promise<{ kid: string; key: CryptoKey }> {
    const keys = await this.#deps.store.idTokens.listKeys()
    const found =
      signingKey(keys, Date.now()) ?? signingKey(await ensureIdTokenKeys(this.#deps), Date.now())
    if (!found) throw new NarwhalError('internal', 'there is no key that signs id tokens')
    const known = this.#keys.get(found.kid)
    if (known) return { kid: found.kid, key: known }
    const key = await this.#open(found)
    // One key signs at a time.
    this.#keys.clear()
    this.#keys.set(found.kid, key)
    return { kid: found.kid, key }
  }

  async #open({ kid, sealed }: IdTokenKeyRecord): Promise<CryptoKey> {
    const pem = this.#deps.vault.open(sealed, idTokenKeyPlace(kid))
    const { importPKCS8 } = await import('jose')
    return await importPKCS8(pem, ID_TOKEN_ALGORITHM)
  }

  /** Stored with the first token of a repository, and never changed. */
  async #idsOf(repository: TokenFacts['repository']): Promise<string> {
    const { store } = this.#deps
    const known = this.#ids.get(repository.id)
    if (known !== undefined) return known
    const ids =
      (await store.idTokens.findSubjectIds(repository.id)) ??
      (
        await store.transact((write) =>
          write.idTokens.claimSubjectIds(repository.id, subjectIdsOf(repository)),
        )
      ).result
    this.#ids.set(repository.id, ids)
    return ids
  }
}
