import { createHash } from 'node:crypto'
import type { IncludeSource } from '../../contract/rpc/include-source.ts'
import { present } from '../../lib/present.ts'
import type { RepositoryReader } from '../../store/ports/repositories.ts'
import { openGitCredentials } from '../../vault/git-credentials.ts'
import type { Vault } from '../../vault/vault.ts'

/** A repository that files may be included from; without a URL it is a registered one. */
export interface AllowedInclude {
  readonly name: string
  readonly url?: string
  /** Its files are public, so strangers may include them, too. */
  readonly forStrangers?: boolean
}

/** Where a runner finds the allowed repositories; unregistered ones are left out. */
export async function includeSources(
  {
    store,
    vault,
  }: {
    readonly store: { readonly repositories: Pick<RepositoryReader, 'find'> }
    /** Absent: nothing is sealed. */
    readonly vault?: Vault
  },
  allowed: readonly AllowedInclude[],
  isStranger: boolean,
): Promise<IncludeSource[]> {
  const sources: IncludeSource[] = []
  for (const { name, url, forStrangers = false } of allowed) {
    if (isStranger && !forStrangers) continue
    if (url !== undefined) {
      // Its mirror is keyed by its URL.
      const digest = createHash('sha256').update(url).digest('hex').slice(0, 20)
      sources.push({ name, repositoryId: `repo_${digest}`, cloneUrl: url })
      continue
    }
    const found = await store.repositories.find(name)
    if (!found) continue
    const { id: repositoryId, cloneUrl } = found
    const credentials = vault && openGitCredentials(vault, found)
    sources.push({ name: found.name, repositoryId, cloneUrl, ...present({ credentials }) })
  }
  return sources
}
