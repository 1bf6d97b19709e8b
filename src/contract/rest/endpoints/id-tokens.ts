import { repositoryParams } from '../rest.ts'
import {
  idTokenDocuments,
  idTokenState,
  idTokenSubject,
  idTokenSubjectQuery,
  rotateIdTokenKeys as rotation,
} from '../rest-id-tokens.ts'
import type { Endpoint } from './endpoint.ts'
import { ROUTES } from './routes.ts'

export const idTokensEndpoints = {
  getIdTokens: {
    ...ROUTES.getIdTokens,
    summary: 'The issuer and the keys of id tokens',
    tags: ['id tokens'],
    answer: idTokenState,
  },
  getIdTokenDocuments: {
    ...ROUTES.getIdTokenDocuments,
    summary: 'The documents by which others check id tokens, as the issuer has to show them',
    tags: ['id tokens'],
    answer: idTokenDocuments,
  },
  rotateIdTokenKeys: {
    ...ROUTES.rotateIdTokenKeys,
    summary: 'Make the next key that signs id tokens, or put a new one in the place of all at once',
    tags: ['id tokens'],
    body: rotation,
    answer: idTokenState,
  },
  getSubject: {
    ...ROUTES.getSubject,
    summary: 'What the id tokens of a repository have as their subject',
    tags: ['id tokens'],
    params: repositoryParams,
    query: idTokenSubjectQuery,
    answer: idTokenSubject,
  },
} as const satisfies Readonly<Record<string, Endpoint>>
