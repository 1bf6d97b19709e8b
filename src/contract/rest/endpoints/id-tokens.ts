import { repositoryParams } from '../rest.ts'
import {
  idTokenDocuments,
  idTokenState,
  idTokenSubject,
  idTokenSubjectQuery,
  rotateIdTokenKeys as rotation,
} from '../rest-id-tokens.ts'
import { endpoints } from './endpoint.ts'

export const idTokensEndpoints = endpoints('id tokens', {
  getIdTokens: { summary: 'The issuer and the keys of id tokens', answer: idTokenState },
  getIdTokenDocuments: {
    summary: 'The documents for verifying id tokens, as the issuer must publish them',
    answer: idTokenDocuments,
  },
  rotateIdTokenKeys: {
    summary: 'Create the next signing key for id tokens, or replace all keys at once',
    body: rotation,
    answer: idTokenState,
  },
  getSubject: {
    summary: "The subject of a repository's id tokens",
    params: repositoryParams,
    query: idTokenSubjectQuery,
    answer: idTokenSubject,
  },
})
