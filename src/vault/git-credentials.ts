import { z } from 'zod'
import type { RepositoryId } from '../core/ids.ts'
import { NarwhalError } from '../lib/errors.ts'
import { type CloneUrl, parseCloneUrl } from '../lib/git/git.ts'
import type { GitCredentials } from '../lib/git/git-credentials.ts'
import { parseJson } from '../lib/parse-json.ts'
import { present } from '../lib/present.ts'
import type { RepositoryRecord } from '../store/records.ts'
import type { Writes } from '../store/store.ts'
import type { SealedPlace } from './keyring.ts'
import type { Vault } from './vault.ts'

const stored = z.object({
  http: z.object({ username: z.string(), password: z.string() }).exactOptional(),
  ssh: z.object({ privateKey: z.string(), knownHosts: z.string() }).exactOptional(),
})

/** The sealed place of what git shows itself with to a repository's server. */
export function gitCredentialsPlace(id: RepositoryId): SealedPlace {
  return ['git credentials', id]
}

/** Undefined if the repository has none. Throws as `Vault.open` does. */
export function openGitCredentials(
  vault: Vault,
  { id, gitCredentials: sealed }: Pick<RepositoryRecord, 'id' | 'gitCredentials'>,
): GitCredentials | undefined {
  if (sealed === undefined) return undefined
  const opened = stored.safeParse(parseJson(vault.open(sealed, gitCredentialsPlace(id))))
  if (opened.success) return opened.data
  throw new NarwhalError('internal', `the git credentials of ${id} can't be read`)
}

/** Undefined if nothing is left to seal. */
export async function sealGitCredentials(
  { vault, write }: { readonly vault: Vault; readonly write: Writes<'sealing'> },
  id: RepositoryId,
  credentials: GitCredentials,
): Promise<string | undefined> {
  if (!credentials.http && !credentials.ssh) return undefined
  return await vault.seal(write, JSON.stringify(credentials), gitCredentialsPlace(id))
}

/** Where a registered repository is cloned from, and with what. Throws as `parseCloneUrl` and `Vault.open` do. */
export function cloneOf(
  vault: Vault,
  repository: Pick<RepositoryRecord, 'id' | 'cloneUrl' | 'gitCredentials'>,
): CloneUrl {
  const credentials = openGitCredentials(vault, repository)
  return { ...parseCloneUrl(repository.cloneUrl), ...present({ credentials }) }
}
