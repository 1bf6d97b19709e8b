import type { z } from 'zod'
import type { newForgeLink } from '../../contract/rest/rest-forge-links.ts'
import type { Doer } from '../../core/audit/audit.ts'
import { clonePlace, forgePathOf, pathAtForge } from '../../core/forge-path.ts'
import { FORGE_KINDS, type ForgeTarget, forgeApiUrl, forgeKindAt } from '../../core/forges.ts'
import type { FoundRepository } from '../../forge/repository-question.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { cloneHost } from '../../lib/git/clone-host.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import { present } from '../../lib/present.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { Uses, Writes } from '../../store/store.ts'
import { forgeTokenPlace } from '../../vault/forge-tokens.ts'
import type { Vault } from '../../vault/vault.ts'
import { checkLink } from './check-link.ts'

type Request = z.output<typeof newForgeLink>

const LONGEST_MS = 30_000

/**
 * Saves where a repository's statuses are reported, with its token sealed, once the forge has said that it accepts
 * them. What the request leaves out is derived from the clone URL; rejects with `invalid` where that is not
 * possible, and as `checkLink` does.
 */
export async function linkForge(
  { store, vault, gitEnv }: { store: Uses<'transact'>; vault: Vault; gitEnv: GitEnv },
  repository: RepositoryRecord,
  request: Request,
  by: Doer,
): Promise<void> {
  const { id: repositoryId } = repository
  const wanted = forgeTarget(repository, request)
  const { hosts = ANY_HOSTS } = gitEnv
  const signal = AbortSignal.timeout(LONGEST_MS)
  const checked = request.isUnchecked
    ? undefined
    : await checkLink(wanted, request.token, { hosts, signal })
  const { target, found } = checked ?? { target: wanted }
  const forgeId = found && newForgeId(repository, target, found)
  const createdAt = Date.now()
  await store.transact(async (write) => {
    const token = await vault.seal(write, request.token, forgeTokenPlace(repositoryId))
    const former = await write.forgeLinks.find(repositoryId)
    await write.forgeLinks.save({ ...target, repositoryId, token, createdAt })
    const facts = { ...present({ before: former && linkFacts(former) }), after: linkFacts(target) }
    if (forgeId !== undefined) await write.repositories.setForgeIds(repositoryId, { forgeId })
    write.audit.add(by, { action: 'forge_link.set', subject: repository, ...facts })
  })
}

/**
 * The repository's number at its forge, if that is where it is linked and it is not known yet. Throws `conflict` if
 * it is another one than its webhooks name.
 */
function newForgeId(
  repository: RepositoryRecord,
  { forge, apiUrl, project }: ForgeTarget,
  { id }: FoundRepository,
): number | undefined {
  const isItsForge = forge === repository.forge && apiUrl === derive(repository, {}).apiUrl
  const { name, forgeId } = repository
  if (id === undefined || !isItsForge || id === forgeId) return undefined
  if (forgeId === undefined) {
    const isItself = project.toLowerCase() === forgePathOf(repository).toLowerCase()
    return isItself ? id : undefined
  }
  const words = `${project} is another repository at the forge (${id}) than the one whose webhooks are accepted (${forgeId}); if it was created again there: narwhal repo set ${name} --url URL, with its clone URL`
  throw new NarwhalError('conflict', words)
}

/**
 * After a repository was changed: its link follows to another path at the same forge, if it was at the path of the
 * clone URL. Returns false if it is at a forge where the repository no longer is: a token is for one host.
 */
export async function followRepository(
  write: Writes<'forgeLinks'>,
  former: RepositoryRecord,
  changed: RepositoryRecord,
): Promise<boolean> {
  const link = await write.forgeLinks.find(changed.id)
  if (!link) return true
  const [from, to] = [derive(former, {}), derive(changed, {})]
  const isAsBefore = from.forge === to.forge && from.apiUrl === to.apiUrl
  if (isAsBefore && from.project === to.project) return true
  if (!isAsBefore || !to.project || link.apiUrl !== to.apiUrl) return false
  if (link.project !== from.project) return false
  await write.forgeLinks.save({ ...link, project: to.project })
  return true
}

/** A link as the audit log shows it. */
export function linkFacts({ forge, apiUrl, project }: ForgeTarget) {
  return { forge, host: cloneHost(apiUrl), project }
}

export function forgeTarget(
  repository: Pick<RepositoryRecord, 'name' | 'forge' | 'cloneUrl'>,
  given: Omit<Request, 'token'>,
): ForgeTarget {
  const { name } = repository
  const { forge, apiUrl, project } = derive(repository, given)
  if (forge && apiUrl && project) return { forge, apiUrl, project }
  const missing = [
    forge ? '' : `\`forge\` (${oneOf(FORGE_KINDS)})`,
    apiUrl || !forge ? '' : '`apiUrl`',
    project ? '' : '`project` (owner/name at the forge)',
  ].filter((part) => part !== '')
  const words = `can't tell from the clone URL of ${name} where statuses go: give ${missing.join(', ')}`
  throw new NarwhalError('invalid', words)
}

/** What the clone URL says of the target, where nothing is given. */
function derive(
  { forge: known, cloneUrl }: Pick<RepositoryRecord, 'forge' | 'cloneUrl'>,
  given: Omit<Request, 'token'>,
): Partial<ForgeTarget> {
  const place = clonePlace(cloneUrl)
  const forge = given.forge ?? (known === 'git' ? place && forgeKindAt(place.host) : known)
  const at = pathAtForge(forge, place)
  const derived = forge && place && forgeApiUrl(forge, { ...place, root: at?.root })
  const apiUrl = (given.apiUrl ?? derived)?.replace(/\/+$/, '')
  return present({ forge, apiUrl, project: given.project ?? at?.path })
}

/** Like `a, b or c`. */
function oneOf(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}
