import type { ChangeRepository } from '../../contract/rest/rest-repositories.ts'
import type { Doer } from '../../core/audit/audit.ts'
import { clonePlace, forgePathOf } from '../../core/forge-path.ts'
import { FORGE_FACTS, hasWebhooks, requestOf } from '../../core/forges.ts'
import { DEFAULT_APPROVAL, DEFAULT_PIPELINE_FILES } from '../../core/stranger/approval.ts'
import { cloneHost } from '../../lib/git/clone-host.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import type { GitCredentials } from '../../lib/git/git-credentials.ts'
import { present } from '../../lib/present.ts'
import type { Head, RepositoryRecord, StrangerRules } from '../../store/records.ts'
import type { StoreWriter, Uses, Writes } from '../../store/store.ts'
import { openGitCredentials, sealGitCredentials } from '../../vault/git-credentials.ts'
import type { Vault } from '../../vault/vault.ts'
import { followRepository } from '../statuses/link-forge.ts'
import { changedCredentials } from './changed-credentials.ts'
import { type RemoteRepository, readRemote } from './read-remote.ts'

export interface ChangeDeps {
  readonly store: Uses<'heads' | 'repositories' | 'transact'>
  readonly vault: Vault
  readonly gitEnv: GitEnv
}

/**
 * Changes a repository; absent settings stay. Its id, pipelines, numbers and secrets stay in any case. Another
 * clone URL is read first, so that a mistaken one is refused with git's message. Returns it with what else
 * has to be done.
 */
export async function changeRepository(
  { store, vault, gitEnv }: ChangeDeps,
  former: RepositoryRecord,
  request: ChangeRepository,
  by: Doer,
): Promise<{ repository: RepositoryRecord; warnings: string[] }> {
  const { id } = former
  const { name, cloneUrl, forge = former.forge, pollIntervalMs } = request
  const isMoved = cloneUrl !== undefined || forge !== former.forge
  const wanted = { cloneUrl: cloneUrl ?? former.cloneUrl, forge }
  const known = { cloneUrl: former.cloneUrl, credentials: openGitCredentials(vault, former) }
  const { credentials, isDropped } = changedCredentials(known, wanted, request.credentials)
  const isRead = isMoved || request.credentials
  const remote = isRead ? await readRemote({ ...wanted, credentials }, gitEnv) : undefined
  const isAnother = isMoved && !isSameAtForge(former, { ...wanted, cloneUrl })
  const { result } = await store.transact(async (write) => {
    await write.repositories.setStrangerRules(id, rulesOf(request))
    const change = { name, forge, cloneUrl: cloneUrl && remote?.clone.url, pollIntervalMs }
    const isSealedAnew = request.credentials !== undefined || isDropped
    const sealed = isSealedAnew
      ? { gitCredentials: (await sealGitCredentials({ vault, write }, id, credentials)) ?? null }
      : {}
    await write.repositories.change(id, { ...present(change), ...sealed, isAnother })
    if (isSealedAnew)
      auditCredentials(write, former, { is: credentials, cloneUrl: wanted.cloneUrl }, by)
    const isOtherForge = forge !== former.forge
    const isQuiteOther =
      isMoved && remote && (await setBaseline(write, former, { remote, isOtherForge }))
    const changed = (await write.repositories.find(id)) ?? former
    const isLinkStale = !(await followRepository(write, former, changed))
    write.audit.add(by, {
      action: 'repository.changed',
      subject: { id, name: changed.name },
      before: factsOf(former),
      after: factsOf(changed),
    })
    return { changed, isLinkStale, isQuiteOther, isDropped }
  })
  return { repository: result.changed, warnings: warningsOf(former, result) }
}

/**
 * Whether the new clone URL leads to the repository whose ids at the forge are known: it has the path that the
 * forge last named. The same URL again is how an administrator says that it was created again there.
 */
function isSameAtForge(
  former: RepositoryRecord,
  { cloneUrl, forge }: Pick<RepositoryRecord, 'forge'> & { readonly cloneUrl: string | undefined },
): boolean {
  if (forge !== former.forge || cloneUrl === former.cloneUrl) return false
  if (cloneUrl === undefined) return true
  if (clonePlace(cloneUrl)?.host !== clonePlace(former.cloneUrl)?.host) return false
  const path = forgePathOf({ ...former, cloneUrl }).toLowerCase()
  return path === (former.movedTo ?? forgePathOf(former)).toLowerCase()
}

/**
 * What the next poll compares with. It stays, so that no commit is missed; but the refs of quite another
 * repository, and the requests of a forge that was not known, are no news. Resolves to whether it is quite another
 * one: several refs, and none where it was.
 */
async function setBaseline(
  write: StoreWriter,
  { id: repositoryId }: RepositoryRecord,
  { remote, isOtherForge }: { remote: RemoteRepository; isOtherForge: boolean },
): Promise<boolean> {
  const known = await write.heads.list(repositoryId)
  const before = new Map(known.map(({ ref, sha }) => [ref, sha]))
  const isOther =
    known.length > 0 &&
    known.length + remote.heads.length > 2 &&
    !remote.heads.some(({ ref, sha }) => before.get(ref) === sha)
  const isNoNews = ({ ref }: Head): boolean =>
    isOther || (isOtherForge && requestOf(ref) !== undefined && !before.has(ref))
  const heads = remote.heads.filter(isNoNews)
  await write.heads.place(heads.map((head) => ({ ...head, repositoryId })))
  const there = new Set(remote.heads.map(({ ref }) => ref))
  const gone = known.map(({ ref }) => ref).filter((ref) => !there.has(ref))
  if (isOther) await write.heads.forget(repositoryId, gone)
  return isOther
}

interface Changed {
  readonly changed: RepositoryRecord
  readonly isLinkStale: boolean
  readonly isQuiteOther: boolean | undefined
  /** Its password was for another server. */
  readonly isDropped: boolean
}

function warningsOf(
  former: RepositoryRecord,
  { changed, isLinkStale, isQuiteOther, isDropped }: Changed,
): string[] {
  const { name, forge, strangerAccounts = [] } = changed
  const warnings: string[] = []
  if (isDropped) {
    warnings.push(
      `its password was for ${cloneHost(former.cloneUrl)} and is deleted: narwhal repo set ${name} --credentials-file FILE gives one for the new server`,
    )
  }
  if (isQuiteOther) {
    warnings.push(
      `no branch or tag is where it was, so nothing that is there now is built: to build a branch, narwhal pipeline start ${name} --ref BRANCH`,
    )
  }
  if (forge !== former.forge && hasWebhooks(forge)) {
    const { title } = FORGE_FACTS[forge]
    warnings.push(`to set up its webhook at ${title}: narwhal repo webhook-secret ${name}`)
  }
  if (isLinkStale) {
    warnings.push(
      `its statuses are still reported where they were; to report them at the new place: narwhal repo link ${name} --token-file FILE`,
    )
  }
  if (forge !== former.forge && strangerAccounts.length > 0) {
    const list = strangerAccounts.join(', ')
    warnings.push(
      `its accounts that are strangers (${list}) were numbers at the former forge: check them`,
    )
  }
  return warnings
}

function auditCredentials(
  write: Writes<'audit'>,
  subject: RepositoryRecord,
  { is, cloneUrl }: { readonly is: GitCredentials; readonly cloneUrl: string },
  by: Doer,
): void {
  const facts = { kind: 'password', host: cloneHost(cloneUrl) }
  if (is.http) write.audit.add(by, { action: 'git_credentials.set', subject, after: facts })
  else write.audit.add(by, { action: 'git_credentials.removed', subject, before: facts })
}

/** As the audit log shows it. */
function factsOf(repository: RepositoryRecord) {
  const { name, forge, cloneUrl, pollIntervalMs } = repository
  const { approval, strangerAccounts = [], pipelineFiles, skippedIsOpen } = repository
  const settings = [
    `approval ${approval ?? `${DEFAULT_APPROVAL} (default)`}`,
    `pipeline files ${pipelineFiles ?? DEFAULT_PIPELINE_FILES}`,
    `skipped ${skippedIsOpen ? 'open' : 'success'}`,
    ...strangerAccounts.map((account) => `stranger ${account}`),
  ]
  const path = clonePlace(cloneUrl)?.path
  return { name, forge, host: cloneHost(cloneUrl), path, pollIntervalMs, settings }
}

function rulesOf(change: ChangeRepository): StrangerRules {
  const { approval, strangerAccounts, pipelineFiles, skippedIsOpen } = change
  return present({ pipelineFiles, skippedIsOpen, approval, strangerAccounts })
}
