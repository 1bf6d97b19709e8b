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
import { endpoints } from './endpoint.ts'
import { ROUTES, urlOf } from './routes.ts'

export const accessEndpoints = {
  ...endpoints('session', {
    session: { summary: 'The current session', answer: sessionBody },
    signIn: {
      summary: 'Sign in with a token or the code of a sign-in link',
      body: signIn,
      answer: accepted,
    },
    signOut: { summary: 'Sign out', answer: accepted },
    createSignInLink: {
      summary: 'Create a link that signs a browser in as the caller, once, within five minutes',
      status: 201,
      answer: shownSignInLink,
    },
    proof: {
      summary: "Prove to a client on the same machine that this server has the data folder's token",
      query: proofQuery,
      answer: proofBody,
    },
  }),
  ...endpoints('tokens', {
    listTokens: {
      summary: "The caller's access tokens; for administrators everyone's",
      answer: tokenList,
    },
    createToken: {
      summary: 'Create an access token; it is shown only once',
      body: newToken,
      status: 201,
      answer: createdToken,
    },
    removeToken: { summary: 'Remove an access token', params: tokenParams, answer: accepted },
    revokeCredential: {
      summary: 'Revoke a leaked credential by its value: an access or join token, a session',
      body: revokeRequest,
      answer: revoked,
    },
  }),
  ...endpoints('users', {
    listUsers: { summary: 'The users', answer: userList },
    addUser: {
      summary: `Add a user; create tokens for them with \`POST ${urlOf(ROUTES.createToken)}\``,
      body: newUser,
      status: 201,
      answer: shownUser,
    },
    changeUser: {
      summary: "Change a user's role",
      params: userParams,
      body: changedUser,
      answer: shownUser,
    },
    removeUser: {
      summary: 'Remove a user and all their tokens; what they did keeps their name',
      params: userParams,
      answer: accepted,
    },
  }),
}
