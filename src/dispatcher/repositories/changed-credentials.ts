import type { ChangeRepository, NewCredentials } from '../../contract/rest/rest-repositories.ts'
import { clonePlace } from '../../core/forge-path.ts'
import { type Forge, forgeKindAt, tokenLogin } from '../../core/forges.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { GitCredentials, HttpCredentials } from '../../lib/git/git-credentials.ts'
import { isOwnServer } from '../../lib/git/own-server.ts'

/** A user's name and password, or a token as git shows it to this forge. Throws `invalid` unless git uses HTTP. */
export function httpCredentials(
  { username, password }: NewCredentials,
  { forge, cloneUrl }: { readonly forge: Forge; readonly cloneUrl: string },
): HttpCredentials {
  if (!/^https?:/.test(cloneUrl)) {
    const words = 'a password or token is for a clone URL with https; by ssh a deploy key is used'
    throw new NarwhalError('invalid', words)
  }
  if (username !== undefined) return { username, password }
  const kind = forge === 'git' ? forgeKindAt(clonePlace(cloneUrl)?.host ?? '') : forge
  return tokenLogin(kind, password)
}

/** The credentials after a change: those for another server than before are dropped, not sent there. */
export function changedCredentials(
  former: { readonly cloneUrl: string; readonly credentials: GitCredentials | undefined },
  wanted: { readonly forge: Forge; readonly cloneUrl: string },
  given: ChangeRepository['credentials'],
): { readonly credentials: GitCredentials; readonly isDropped: boolean } {
  const { http, ...rest } = former.credentials ?? {}
  if (given)
    return { credentials: { ...rest, http: httpCredentials(given, wanted) }, isDropped: false }
  if (given === null || !http) return { credentials: rest, isDropped: false }
  const isDropped =
    wanted.cloneUrl !== former.cloneUrl && !isOwnServer(former.cloneUrl, wanted.cloneUrl)
  return { credentials: isDropped ? rest : { ...rest, http }, isDropped }
}
