import type { z } from 'zod'
import type { newForgeLink } from '../../contract/rest/rest-forge-links.ts'
import type { Doer } from '../../core/audit/audit.ts'
import { clonePlace, pathAtForge } from '../../core/forge-path.ts'
import { FORGE_KINDS, type ForgeTarget, forgeApiUrl, forgeKindAt } from '../../core/forges.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { cloneHost } from '../../lib/git/clone-host.ts'
import { present } from '../../lib/present.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'
import { forgeTokenPlace } from '../../vault/forge-tokens.ts'
import type { Vault } from '../../vault/vault.ts'

type Request = z.output<typeof newForgeLink>

/**
 * Saves where a repository's statuses are reported, with its token sealed. What the request leaves out is
 * derived from the clone URL; rejects with `invalid` where that is not possible.
 */
export async function linkForge(
  { store, vault }: { store: Uses<'transact'>; vault: Vault },
  repository: RepositoryRecord,
  request: Request,
  by: Doer,
): Promise<void> {
  const { id: repositoryId } = repository
  const target = forgeTarget(repository, request)
  const createdAt = Date.now()
  await store.transact(async (write) => {
    const token = await vault.seal(write, request.token, forgeTokenPlace(repositoryId))
    const former = await write.forgeLinks.find(repositoryId)
    await write.forgeLinks.save({ ...target, repositoryId, token, createdAt })
    const facts = { ...present({ before: former && linkFacts(former) }), after: linkFacts(target) }
    write.audit.add(by, { action: 'forge_link.set', subject: repository, ...facts })
  })
}

/** A link as the audit log shows it. */
export function linkFacts({ forge, apiUrl, project }: ForgeTarget) {
  return { forge, host: cloneHost(apiUrl), project }
}

export function forgeTarget(
  { name, forge: known, cloneUrl }: Pick<RepositoryRecord, 'name' | 'forge' | 'cloneUrl'>,
  given: Omit<Request, 'token'>,
): ForgeTarget {
  const place = clonePlace(cloneUrl)
  const forge = given.forge ?? (known === 'git' ? place && forgeKindAt(place.host) : known)
  const at = pathAtForge(forge, place)
  const apiUrl =
    given.apiUrl ?? (forge && place && forgeApiUrl(forge, { ...place, root: at?.root }))
  const project = given.project ?? at?.path
  if (forge && apiUrl && project) return { forge, apiUrl: apiUrl.replace(/\/+$/, ''), project }
  const missing = [
    forge ? '' : `\`forge\` (${oneOf(FORGE_KINDS)})`,
    apiUrl || !forge ? '' : '`apiUrl`',
    project ? '' : '`project` (owner/name at the forge)',
  ].filter((part) => part !== '')
  const words = `can't tell from the clone URL of ${name} where statuses go: give ${missing.join(', ')}`
  throw new NarwhalError('invalid', words)
}

/** Like `a, b or c`. */
function oneOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}
