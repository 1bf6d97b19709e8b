import {
  DISCOVERY_PATH,
  discoveryDocument,
  issuerTrouble,
  KEYS_PATH,
  keySet,
} from '../../contract/id-tokens/documents.ts'
import { subjectIdsOf, subjectOf } from '../../contract/id-tokens/subject.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import { type IdTokenState } from '../../contract/rest/rest-id-tokens.ts'
import { isRef } from '../../core/commit-event.ts'
import { DOCUMENT_AGE_S, stateOfKey } from '../../core/id-token/id-token-keys.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { IdTokenKeyRecord } from '../../store/records.ts'
import type { Reads } from '../../store/store.ts'
import { getRepository } from '../lookups.ts'

export interface IdTokenReads {
  readonly store: Reads<'idTokens' | 'repositories'>
  readonly issuer?: string | undefined
}

/**
 * Adds the two public documents for verifying id tokens, and views of their state for users. The
 * documents depend on the settings only, never on the request's origin or host.
 */
export function registerIdTokenReads(server: HttpServer, reads: IdTokenReads): void {
  addDocuments(server, reads)
  route(server, ENDPOINTS.getIdTokens, async () => await idTokenStateOf(reads))
  route(server, ENDPOINTS.getIdTokenDocuments, async () => {
    const { store, issuer } = reads
    const trouble = issuerTrouble(issuer)
    if (issuer === undefined || trouble !== undefined) {
      throw new NarwhalError('conflict', trouble ?? 'no issuer is configured')
    }
    const keys = keySet(await store.idTokens.listKeys(), Date.now())
    return { discovery: discoveryDocument(issuer), keys }
  })
  route(server, ENDPOINTS.getSubject, async ({ params, query: { ref, job } }) => {
    if (!isRef(ref)) {
      throw new NarwhalError('invalid', 'the ref must be a full one, such as refs/heads/main')
    }
    const repository = await getRepository(reads.store, params.repository)
    const ids =
      (await reads.store.idTokens.findSubjectIds(repository.id)) ?? subjectIdsOf(repository)
    const facts = { repository: repository.name, ids, ref }
    return { ids, sub: subjectOf({ ...facts, ...present({ job }) }) }
  })
}

function addDocuments(server: HttpServer, { store, issuer }: IdTokenReads): void {
  const trouble = issuerTrouble(issuer)
  if (issuer === undefined || trouble !== undefined) return
  const below = new URL(issuer).pathname.replace(/\/$/, '')
  // A proxy may keep or strip the issuer's path.
  for (const prefix of new Set(['', below])) {
    server.get(
      `${prefix}${DISCOVERY_PATH}`,
      { schema: { hide: true } },
      async (_request, reply) => {
        reply.header('cache-control', `public, max-age=${DOCUMENT_AGE_S}`)
        return discoveryDocument(issuer)
      },
    )
    server.get(`${prefix}${KEYS_PATH}`, { schema: { hide: true } }, async (_request, reply) => {
      const set = keySet(await store.idTokens.listKeys(), Date.now())
      // A cached empty set would make verifiers reject the first tokens.
      if (set.keys.length === 0)
        throw new NarwhalError('unavailable', 'the first key is being created')
      reply.header('cache-control', `public, max-age=${DOCUMENT_AGE_S}`)
      return set
    })
  }
}

/** The issuer and the current keys. */
export async function idTokenStateOf({ store, issuer }: IdTokenReads): Promise<IdTokenState> {
  const trouble = issuerTrouble(issuer)
  return {
    ...present({ issuer, trouble }),
    keys: viewsOf(await store.idTokens.listKeys()),
  }
}

function viewsOf(keys: readonly IdTokenKeyRecord[]): IdTokenState['keys'] {
  const now = Date.now()
  return keys.map((key) => {
    const { kid, createdAt, signsAt, leavesAt } = key
    const times = { createdAt, signsAt, ...present({ leavesAt }) }
    return { kid, state: stateOfKey(key, keys, now), ...times }
  })
}
