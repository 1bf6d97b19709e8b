import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { ForgeHooks } from '../../forge/forge-hooks.ts'
import type { WebhookRepository } from '../../forge/parsed-webhook.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { Vault } from '../../vault/vault.ts'
import { openWebhookSecrets } from '../../vault/webhook-secrets.ts'
import type { BodyThread, LongBody } from './body-thread.ts'
import { shortBody, type UnreadBody } from './unread-body.ts'

/** GitHub sends no payload above 25 MB (docs.github.com, "Webhook events and payloads"). */
const MOST_BYTES = 25 * 1024 * 1024
/** Where a body must be there before it is known whose secret signs it. */
const MOST_BYTES_UNADDRESSED = 1024 * 1024
/** What is longer is a thread's: to search and hash so much takes a millisecond at the most. */
const SHORT_BYTES = 128 * 1024

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
  readonly bodies: BodyThread
  readonly findById: (id: string) => Promise<RepositoryRecord | undefined>
  readonly findNamed: (name: WebhookRepository) => Promise<RepositoryRecord | undefined>
}

/** How long the body of a webhook may be. */
export function mostBytes(isAddressed: boolean): number {
  return isAddressed ? MOST_BYTES : MOST_BYTES_UNADDRESSED
}

/**
 * Takes a webhook's body in and checks its signature, which costs no more than its hash: nothing is parsed.
 * Without the repository in the path, the body is searched for it first, in one look at each byte. A long body is
 * kept, searched and hashed by a thread. Rejects with `unauthenticated`, and one and the same words,
 * for a wrong signature and for a repository that is not there; with `too_large`; and with `invalid` where
 * neither path nor body names a repository.
 */
export async function receiveSigned(
  incoming: IncomingWebhook,
  deps: SignedWebhookDeps,
): Promise<SignedWebhook> {
  const { hooks, payload, proof, repositoryId } = incoming
  const most = mostBytes(repositoryId !== undefined)
  using body = await collect(payload, most, deps.bodies)
  const repository =
    repositoryId === undefined
      ? await deps.findNamed(await addressOf(body, incoming))
      : await deps.findById(repositoryId)
  const { present, former } = repository
    ? openWebhookSecrets(deps.vault, repository, Date.now())
    : { present: NOBODYS_SECRET }
  const secrets = former === undefined ? [present] : [present, former]
  const proven = await body.prove({ form: hooks.proof, shown: proof, secrets })
  if (repository && proven) return { body: proven.bytes, repository, isByFormer: proven.by > 0 }
  const words =
    'the signature does not match: compare the URL and the secret at the forge with those that Narwhal showed'
  throw new NarwhalError('unauthenticated', words)
}

async function addressOf(
  body: UnreadBody,
  { hooks, isForm }: IncomingWebhook,
): Promise<WebhookRepository> {
  const { object, name } = hooks.address
  const address = await body.findAddress(hooks.address, isForm)
  if (address) return address
  const words = `the body is not JSON that names a repository (\`${object}.id\` and \`${object}.${name}\`)`
  throw new NarwhalError('invalid', words)
}

/** All of the body, which goes to the thread as soon as it is long. Rejects with `invalid` where the sender breaks off. */
function collect(payload: Readable, most: number, bodies: BodyThread): Promise<UnreadBody> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let long: LongBody | undefined
    let length = 0
    const fail = (error: NarwhalError): void => {
      long?.[Symbol.dispose]()
      reject(error)
    }
    const onData = (chunk: Uint8Array): void => {
      length += chunk.length
      if (length > most) {
        // The rest is thrown away: the connection has to live on for the answer.
        payload.off('data', onData).off('close', onClose).resume()
        fail(new NarwhalError('too_large', `the body is above ${most / 1024 / 1024} MiB`))
        return
      }
      chunks.push(chunk)
      if (length <= SHORT_BYTES) return
      long ??= bodies.open()
      for (const one of chunks.splice(0)) long.add(one)
    }
    const onClose = (): void => fail(new NarwhalError('invalid', 'the body broke off'))
    if (payload.destroyed) onClose()
    payload.on('data', onData)
    payload.once('end', () => {
      payload.off('close', onClose)
      resolve(long ?? shortBody(chunks))
    })
    payload.once('error', (error) => {
      payload.off('close', onClose)
      fail(NarwhalError.from(error, 'invalid'))
    })
    payload.once('close', onClose)
  })
}
