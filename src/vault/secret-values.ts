import type { Doer } from '../core/audit/audit.ts'
import { isSecretName } from '../core/secret/secret-name.ts'
import type { SecretRules } from '../core/secret/secret-rules.ts'
import { NarwhalError } from '../lib/errors.ts'
import { present } from '../lib/present.ts'
import type { SecretRef } from '../store/ports/secrets.ts'
import type { Uses } from '../store/store.ts'
import type { SealedPlace } from './keyring.ts'
import type { Vault } from './vault.ts'

/** Shorter values can't be told apart from other text in a log. */
export const SHORTEST_SECRET = 4
export const LONGEST_SECRET_BYTES = 32 * 1024
/** Per repository, and among the global ones. */
export const MOST_SECRETS = 500

/** The sealed place of a secret's value. */
export function secretPlace({ repositoryId, name }: SecretRef): SealedPlace {
  return ['secret', repositoryId ?? '', name]
}

/** A secret as the audit log names it. */
export function secretSubject({ repositoryId, name }: SecretRef): { id: string; name: string } {
  return { id: repositoryId === undefined ? name : `${repositoryId}/${name}`, name }
}

/** Throws `invalid`, with what to do, if a secret can't have this name or value. */
export function checkSecret(name: string, value: string): void {
  const words = wrongName(name) ?? wrongValue(value)
  if (words) throw new NarwhalError('invalid', words)
}

function wrongName(name: string): string | undefined {
  if (isSecretName(name)) return undefined
  const given = JSON.stringify(name.slice(0, 100))
  return `${given} can't name a secret: use up to 100 capital letters, digits and _, starting with a letter; CI, HOME, PATH and NARWHAL_… are reserved`
}

function wrongValue(value: string): string | undefined {
  if (value.trim().length < SHORTEST_SECRET) {
    return `the value has fewer than ${SHORTEST_SECRET} characters: it can't be told apart from other text in a log, so it can't be masked`
  }
  if (Buffer.byteLength(value) > LONGEST_SECRET_BYTES) {
    return `the value has more than ${LONGEST_SECRET_BYTES / 1024} KiB: keep the file elsewhere, encrypted, and only its key here`
  }
  if (value.includes('\0')) return "the value contains a NUL character, which a variable can't hold"
  return value.isWellFormed() ? undefined : 'the value is not text'
}

export interface NewSecret extends SecretRef {
  readonly value: string
  /** `runners` absent: the restriction stays as it was. */
  readonly rules?: Omit<SecretRules, 'runners'> & { readonly runners?: readonly string[] | 'all' }
  readonly by: Doer
}

/** Seals a secret and writes it. Rejects with `invalid`, and with `exhausted` if there are too many. */
export async function setSecret(
  { store, vault }: { readonly store: Uses<'transact'>; readonly vault: Vault },
  { repositoryId, name, value, rules = {}, by }: NewSecret,
): Promise<void> {
  checkSecret(name, value)
  const ref = { ...present({ repositoryId }), name }
  const at = Date.now()
  await store.transact(async (write) => {
    const secrets = await write.secrets.list(repositoryId)
    const former = secrets.find((one) => one.name === name)
    const isNew = former === undefined
    if (secrets.length >= MOST_SECRETS && isNew) {
      const words = `there are ${MOST_SECRETS} secrets already: remove unused ones`
      throw new NarwhalError('exhausted', words)
    }
    const sealed = await vault.seal(write, value, secretPlace(ref))
    // A new value keeps the restriction to some runners unless it is lifted explicitly.
    const { expiresAt, isNotMasked, runners = former?.runners } = rules
    const kept = present({
      updatedBy: by.actor.name || undefined,
      expiresAt,
      runners: runners === 'all' ? undefined : runners,
      isNotMasked,
    })
    const times = { createdAt: at, updatedAt: at }
    await write.secrets.save({ ...ref, sealed, ...times, ...kept })
    const scope = repositoryId ?? 'all'
    const after = { scope, isNew, expiresAt, isMasked: !isNotMasked, runners: kept.runners }
    write.audit.add(by, { action: 'secret.set', subject: secretSubject(ref), after })
  })
}
