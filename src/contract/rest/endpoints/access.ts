import {
  accepted,
  changedUser,
  newUser,
  shownSignInLink,
  shownUser,
  signIn,
  userList,
  userParams,
} from '../rest.ts'
import { sessionBody } from '../rest-insights.ts'
import { proofBody, proofQuery } from '../rest-proof.ts'
import {
  createdToken,
  newToken,
  revoked,
  revokeRequest,
  tokenList,
  tokenParams,
} from '../rest-tokens.ts'
import type { Endpoint } from './endpoint.ts'
import { ROUTES, urlOf } from './routes.ts'

export const accessEndpoints = {
  session: {
    ...ROUTES.session,
    summary: 'Who has signed in',
    tags: ['session'],
    answer: sessionBody,
  },
  signIn: {
    ...ROUTES.signIn,
    summary: 'Sign in with a token, or with the code of a link',
    tags: ['session'],
    body: signIn,
    answer: accepted,
  },
  signOut: {
    ...ROUTES.signOut,
    summary: 'Sign out',
    tags: ['session'],
    answer: accepted,
  },
  createSignInLink: {
    ...ROUTES.createSignInLink,
    summary: 'Make a link that signs a browser in as oneself, once, within five minutes',
    tags: ['session'],
    status: 201,
    answer: shownSignInLink,
  },
  proof: {
    ...ROUTES.proof,
    summary:
      'Prove to who is on the same machine that this server has the token of the data folder',
    tags: ['session'],
    query: proofQuery,
    answer: proofBody,
  },
  listTokens: {
    ...ROUTES.listTokens,
    summary: "One's own access tokens; an administrator's answer has everybody's",
    tags: ['tokens'],
    answer: tokenList,
  },
  createToken: {
    ...ROUTES.createToken,
    summary: 'Create an access token; it is shown this once',
    tags: ['tokens'],
    body: newToken,
    status: 201,
    answer: createdToken,
  },
  removeToken: {
    ...ROUTES.removeToken,
    summary: 'Remove an access token',
    tags: ['tokens'],
    params: tokenParams,
    answer: accepted,
  },
  revokeCredential: {
    ...ROUTES.revokeCredential,
    summary:
      'Take back a credential that was found, by its value: an access or join token, a session',
    tags: ['tokens'],
    body: revokeRequest,
    answer: revoked,
  },
  listUsers: {
    ...ROUTES.listUsers,
    summary: 'The users',
    tags: ['users'],
    answer: userList,
  },
  addUser: {
    ...ROUTES.addUser,
    summary: `Add a user, who gets tokens by \`POST ${urlOf(ROUTES.createToken)}\``,
    tags: ['users'],
    body: newUser,
    status: 201,
    answer: shownUser,
  },
  changeUser: {
    ...ROUTES.changeUser,
    summary: 'Give a user another role',
    tags: ['users'],
    params: userParams,
    body: changedUser,
    answer: shownUser,
  },
  removeUser: {
    ...ROUTES.removeUser,
    summary: 'Remove a user and all their tokens; what they did keeps their name',
    tags: ['users'],
    params: userParams,
    answer: accepted,
  },
} as const satisfies Readonly<Record<string, Endpoint>>
