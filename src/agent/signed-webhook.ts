import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { NarwhalError } from '../lib/errors.ts'
import type { RepositoryRecord } from '../store/records.ts'
import type { Vault } from '../store/vault.ts'
import { openWebhookSecrets } from '../store/webhook-secrets.ts'
import type { ForgeHooks } from './forge-hooks.ts'
import type { WebhookRepository } from './parsed-webhook.ts'
import { jsonOf } from './read-webhook.ts'
import { scanAddress } from './scan-payload.ts'

/** GitHub sends no payload above 25 MB (docs.github.com, "Webhook events and payloads"). */
const MOST_BYTES = 25 * 1024 * 1024
/** Where a body must be there before it is known whose secret signs it. */
const MOST_BYTES_UNADDRESSED = 1024 * 1024

/** What a webhook of no repository is checked with, so that this takes as long as with one. */
const NOBODYS_SECRET = randomBytes(24).toString('base64url')

/** A webhook that a repository's forge has signed, and that nobody has read yet. */
export interface SignedWebhook {
  readonly body: Uint8Array
  readonly repository: RepositoryRecord
  /** Whether the former secret has signed it, which is being replaced. */
  readonly isByFormer: boolean
}

/** A webhook as it comes in. */
export interface IncomingWebhook {
  readonly hooks: ForgeHooks
  readonly payload: Readable
  readonly proof: string
  readonly isForm: boolean
  /** The id in the path; absent on the path without one. */
  readonly repositoryId?: string | undefined
}

export interface SignedWebhookDeps {
  readonly vault: Vault
  readonly findById: (id: string) => Promise<RepositoryRecord | undefined>
  readonly findNamed: (name: WebhookRepository) => Promise<RepositoryRecord | undefined>
}

/** How long the body of a webhook may be. */
export function mostBytes(isAddressed: boolean): number {
  return isAddressed ? MOST_BYTES : MOST_BYTES_UNADDRESSED
}

/**
 * Takes a webhook's body in and checks its signature, which costs no more than its hash: nothing is parsed.
 * With the repository in the path the bytes are hashed as they come. Without it, the body is searched for
 * the repository first, in one look at each byte. Rejects with `unauthenticated`, and one and the same words,
 * for a wrong signature and for a repository that is not there; with `too_large`; and with `invalid` where
 * neither path nor body names a repository.
 */
export async function receiveSigned(
  incoming: IncomingWebhook,
  deps: SignedWebhookDeps,
): Promise<SignedWebhook> {
  const { hooks, payload, proof, repositoryId } = incoming
  if (repositoryId === undefined) return await receiveUnaddressed(incoming, deps)
  const check = startCheck(hooks, await deps.findById(repositoryId), deps.vault)
  const chunks = await collect(payload, MOST_BYTES, check.update)
  const signed = check.end(proof)
  // To copy what is not signed would be more than to hash it.
  return { body: Buffer.concat(chunks), ...signed }
}

async function receiveUnaddressed(
  { hooks, payload, proof, isForm }: IncomingWebhook,
  { vault, findNamed }: SignedWebhookDeps,
): Promise<SignedWebhook> {
  const body = Buffer.concat(await collect(payload, MOST_BYTES_UNADDRESSED, () => {}))
  const { object, name } = hooks.address
  const address = scanAddress(jsonOf(body, isForm), hooks.address)
  if (!address) {
    const words = `the body is not JSON that names a repository (\`${object}.id\` and \`${object}.${name}\`)`
    throw new NarwhalError('invalid', words)
  }
  const check = startCheck(hooks, await findNamed(address), vault)
  check.update(body)
  return { body, ...check.end(proof) }
}

interface Check {
  readonly update: (chunk: Uint8Array) => void
  readonly end: (proof: string) => Omit<SignedWebhook, 'body'>
}

function startCheck(
  hooks: ForgeHooks,
  repository: RepositoryRecord | undefined,
  vault: Vault,
): Check {
  const secrets = repository
    ? openWebhookSecrets(vault, repository, Date.now())
    : { present: NOBODYS_SECRET }
  const present = hooks.check(secrets.present)
  const former = secrets.former === undefined ? undefined : hooks.check(secrets.former)
  return {
    update: (chunk) => {
      present.update(chunk)
      former?.update(chunk)
    },
    end: (proof) => {
      const [isPresent, isFormer] = [present.isProvenBy(proof), former?.isProvenBy(proof)]
      if (repository && (isPresent || isFormer)) return { repository, isByFormer: !isPresent }
      const words =
        'the signature does not match: compare the URL and the secret at the forge with those that Narwhal showed'
      throw new NarwhalError('unauthenticated', words)
    },
  }
}

/** All of the body, each chunk shown as it comes. Rejects with `invalid` where the sender breaks off. */
function collect(
  payload: Readable,
  most: number,
  see: (chunk: Uint8Array) => void,
): Promise<Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let length = 0
    const onData = (chunk: Uint8Array): void => {
      length += chunk.length
      if (length > most) {
        // The rest is thrown away: the connection has to live on for the answer.
        payload.off('data', onData).resume()
        reject(new NarwhalError('too_large', `the body is above ${most / 1024 / 1024} MiB`))
        return
      }
      see(chunk)
      chunks.push(chunk)
    }
    const onClose = (): void => reject(new NarwhalError('invalid', 'the body broke off'))
    if (payload.destroyed) onClose()
    payload.on('data', onData)
    payload.once('end', () => resolve(chunks))
    payload.once('error', (error) => reject(NarwhalError.from(error, 'invalid')))
    payload.once('close', onClose)
  })
}
