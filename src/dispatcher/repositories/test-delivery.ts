import { randomUUID } from 'node:crypto'
import type { TestedDelivery } from '../../contract/rest/rest-insights.ts'
import { mayBeTried, type RequestsReach } from '../../core/access/user-requests.ts'
import { forgePathOf } from '../../core/forge-path.ts'
import { FORGE_FACTS, type WebhookForge, webhookPath } from '../../core/forges.ts'
import { FORGE_PORTS } from '../../forge/forges.ts'
import { proofOf } from '../../forge/proof.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { parseJson } from '../../lib/parse-json.ts'
import { askOnce } from '../../lib/reach/ask-once.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'
import { describeConnectError } from '../../lib/tls/connect-errors.ts'
import type { RepositoryRecord } from '../../store/records.ts'

const TIMEOUT_MS = 10_000
/** Stands for an unknown id: no forge has so many repositories, and a ping stores none. */
const NO_FORGE_ID = 2 ** 52

export interface Pinged
  extends Pick<RepositoryRecord, 'id' | 'name' | 'cloneUrl' | 'forgeId' | 'movedTo'> {
  readonly forge: WebhookForge
  readonly secret: string
}

/** Where test deliveries may go. */
export interface DeliveryBounds {
  readonly reach: RequestsReach
  readonly hosts: Hosts
  /** The page's address. */
  readonly publicUrl?: string | undefined
  /** The ports that this process listens on. */
  readonly ownPorts: readonly number[]
}

/**
 * Sends a ping to a webhook URL as the repository's forge would, signed with its secret, to check that the
 * URL leads to this Narwhal's agent and the secrets match. It is sent only to the path of this webhook, at
 * Narwhal's own address or a public one; a secret that is sent unhashed, only to our own. Of another server's
 * answer only whether it is our agent's is revealed.
 */
export async function testDelivery(
  repository: Pinged,
  text: string,
  bounds: DeliveryBounds,
): Promise<TestedDelivery> {
  const url = new URL(text)
  const path = webhookPath(repository)
  const publicUrl = bounds.publicUrl === undefined ? undefined : new URL(bounds.publicUrl)
  const isPublicOwn = publicUrl?.origin === url.origin
  const prefix = isPublicOwn ? publicUrl.pathname.replace(/\/$/, '') : ''
  if (url.pathname !== prefix + path || url.search !== '' || url.username !== '') {
    return failed(`this is not the URL of the repository's webhook, whose path is ${path}`)
  }
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  const isOwnPort = bounds.ownPorts.includes(port)
  let isOwn = isPublicOwn
  try {
    const hosts = bounds.hosts.allowing(
      (nearness) =>
        mayBeTried(bounds.reach)(nearness) ||
        (nearness === 'own' && isOwnPort) ||
        (nearness !== 'never' && isPublicOwn),
    )
    const found = await hosts.find(url.hostname)
    isOwn ||= isOwnPort && found.every(({ nearness }) => nearness === 'own')
    if (FORGE_PORTS[repository.forge].hooks.proof.kind === 'token' && !isOwn) {
      const { title } = FORGE_FACTS[repository.forge]
      const words = "sends the secret itself, so only this Narwhal's own URL can be tested"
      return failed(`${title} ${words}: see --public-url`)
    }
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const { body, headers } = pingOf(repository)
    const { status, text: answer } = await askOnce(
      { url, method: 'POST', headers, body, signal },
      found,
    )
    return describe(status, parseJson(answer))
  } catch (error) {
    if (error instanceof NarwhalError) return failed(describeError(error))
    return failed(
      isOwn ? `${text} does not answer: ${describeConnectError(error)}` : `${text} does not answer`,
    )
  }
}

function failed(words: string): TestedDelivery {
  return { ok: false, words }
}

/** The test delivery of the repository's forge. */
function pingOf(pinged: Pinged) {
  const { forgeId, forge, secret } = pinged
  const { hooks } = FORGE_PORTS[forge]
  const { address, trial } = hooks
  const repository = {
    id: forgeId ?? NO_FORGE_ID,
    [address.name]: pinged.movedTo ?? forgePathOf(pinged),
  }
  const body = JSON.stringify({ ...trial.payload, [address.object]: repository })
  const headers = {
    'content-type': 'application/json',
    [hooks.eventHeaders[0]]: trial.eventName,
    [hooks.deliveryHeaders[0]]: randomUUID(),
    [hooks.proofHeaders[0]]: proofOf(hooks.proof, [body], secret),
  }
  return { body, headers }
}

function describe(status: number, body: unknown): TestedDelivery {
  const result = (body as { status?: unknown } | undefined)?.status
  if (status === 200 && result === 'ignored')
    return { ok: true, words: 'the ping arrived and its signature is valid' }
  if (status === 401) return failed('the ping arrived, but its signature was rejected (401)')
  return failed('the server there is not a Narwhal agent')
}
