import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { ForgeHooks } from '../../forge/forge-hooks.ts'
import type { WebhookRepository } from '../../forge/parsed-webhook.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { Vault } from '../../vault/vault.ts'
import { openWebhookSecrets } from '../../vault/webhook-secrets.ts'
import type { BodyThread, LongBody } from './body-thread.ts'
import { RefusedWebhook } from './refused-webhook.ts'
import { shortBody, type UnreadBody } from './unread-body.ts'

/** GitHub sends no payload above 25 MB (docs.github.com, "Webhook events and payloads"). */
const MAX_BYTES = 25 * 1024 * 1024
/** Without the repository in the path, the whole body is needed to find the secret. */
const MAX_BYTES_UNADDRESSED = 1024 * 1024
/** Longer bodies go to a thread: searching and hashing this much takes a millisecond at most. */
const SHORT_BYTES = 128 * 1024

/** How many repositories of one path at different hosts are considered: each costs a hash. */
const MOST_OF_ONE_PATH = 8

/** Checked for a webhook of an unknown repository, so that this takes as long as for a known one. */
const NOBODYS_SECRET = randomBytes(24).toString('base64url')

/** A webhook with a valid signature of a repository's forge, not parsed yet. */
export interface SignedWebhook {
  readonly body: Uint8Array
  readonly repository: RepositoryRecord
  /** Whether it was signed with the previous secret, which is being replaced. */
  readonly isByFormer: boolean
}

/** A webhook being received. */
export interface IncomingWebhook {
  readonly hooks: ForgeHooks
  readonly payload: Readable
  readonly proof: string
  readonly isForm: boolean
  /** The id in the path, if any. */
  readonly repositoryId?: string | undefined
}

export interface SignedWebhookDeps {
  readonly vault: Vault
  readonly bodies: BodyThread
  readonly findById: (id: string) => Promise<RepositoryRecord | undefined>
  /** Several if they have the same path at different hosts, say: the signature tells which one it is. */
  readonly findNamed: (name: WebhookRepository) => Promise<readonly RepositoryRecord[]>
}

/** The maximum size of a webhook's body. */
export function maxBodyBytes(isAddressed: boolean): number {
  return isAddressed ? MAX_BYTES : MAX_BYTES_UNADDRESSED
}

/**
 * Receives a webhook's body and checks its signature at the cost of a hash: nothing is parsed. Without
 * the repository in the path, the body is scanned for it first, in one pass. A long body is buffered,
 * scanned and hashed by a thread. Rejects with `unauthenticated`, by the same message for a wrong
 * secret and an unknown repository and by another one for the JSON of a form that was signed instead, with `too_large`, and with `invalid` if neither path nor body
 * names a repository.
 */
export async function receiveSigned(
  incoming: IncomingWebhook,
  deps: SignedWebhookDeps,
): Promise<SignedWebhook> {
  const { hooks, payload, proof, isForm, repositoryId } = incoming
  const maxBytes = maxBodyBytes(repositoryId !== undefined)
  using body = await collect(payload, maxBytes, deps.bodies)
  const repositories =
    repositoryId === undefined
      ? await deps.findNamed(await addressOf(body, incoming))
      : [await deps.findById(repositoryId)].filter((one) => one !== undefined)
  const keys = repositories.slice(0, MOST_OF_ONE_PATH).flatMap((one) => keysOf(one, deps.vault))
  const secrets = keys.length > 0 ? keys.map(({ secret }) => secret) : [NOBODYS_SECRET]
  const proven = await body.prove({ form: hooks.proof, shown: proof, secrets, isForm })
  if (proven === 'otherwise') {
    const message =
      'the webhook is signed over something else than was sent: choose the content type application/json at the forge'
    throw new RefusedWebhook('signed_otherwise', 'unauthenticated', message)
  }
  const key = proven && keys[proven.by]
  if (key) {
    return { body: proven.bytes, repository: key.repository, isByFormer: key.isFormer }
  }
  const message =
    'the signature does not match: the webhook is signed with another secret; compare the URL and the secret at the forge with those that Narwhal showed'
  throw new RefusedWebhook('wrong_secret', 'unauthenticated', message)
}

/** A secret that a webhook of this repository may be signed with. */
interface Key {
  readonly repository: RepositoryRecord
  readonly secret: string
  readonly isFormer: boolean
}

function keysOf(repository: RepositoryRecord, vault: Vault): Key[] {
  const { present, former } = openWebhookSecrets(vault, repository, Date.now())
  const key = { repository, secret: present, isFormer: false }
  return former === undefined ? [key] : [key, { repository, secret: former, isFormer: true }]
}

async function addressOf(
  body: UnreadBody,
  { hooks, isForm }: IncomingWebhook,
): Promise<WebhookRepository> {
  const { object, name } = hooks.address
  const address = await body.findAddress(hooks.address, isForm)
  if (address) return address
  const message = `the body is not JSON that names a repository (\`${object}.id\` and \`${object}.${name}\`)`
  throw new NarwhalError('invalid', message)
}

/** The whole body, which goes to the thread once it is long. Rejects with `invalid` if the sender aborts. */
function collect(payload: Readable, maxBytes: number, bodies: BodyThread): Promise<UnreadBody> {
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
      if (length > maxBytes) {
        // The rest is drained: the connection must stay open for the response.
        payload.off('data', onData).off('close', onClose).resume()
        fail(new NarwhalError('too_large', `the body is above ${maxBytes / 1024 / 1024} MiB`))
        return
      }
      chunks.push(chunk)
      if (length <= SHORT_BYTES) return
      long ??= bodies.open()
      for (const one of chunks.splice(0)) long.add(one)
    }
    const onClose = (): void => fail(new NarwhalError('invalid', 'the body is incomplete'))
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
