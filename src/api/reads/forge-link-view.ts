import type { ForgeLinkView } from '../../contract/rest/rest-forge-links.ts'
import type { RepositoryView } from '../../contract/rest/rest-repositories.ts'
import type { PipelineView } from '../../contract/rest/views.ts'
import { statusContext } from '../../core/commit-status.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { ForgeLinkRecord, RepositoryRecord } from '../../store/records.ts'
import type { Reads } from '../../store/store.ts'

/** A repository's link without its token. Rejects with `not_found`. */
export async function viewForgeLink(
  store: Reads<'forgeLinks' | 'statuses'>,
  { id, name }: RepositoryRecord,
): Promise<ForgeLinkView> {
  const link = await store.forgeLinks.find(id)
  if (!link) {
    const message = `${name} is not linked: run \`narwhal repo link ${name} --token-file <file>\``
    throw new NarwhalError('not_found', message)
  }
  const { forge, apiUrl, project, createdAt } = link
  const about = { forge, apiUrl, project, createdAt, ...refusalOf(link) }
  const last = await store.statuses.findLast(id)
  if (!last) return about
  const { pipelineId, sha, context, state, error, sentAt: toldAt } = last
  return { ...about, last: { pipelineId, sha, context, state, ...present({ error }), toldAt } }
}

/** Why the forge refused the last status of a pipeline, if it did. */
export async function findStatusRefusal(
  store: Reads<'statuses'>,
  { id, repositoryId, event }: PipelineView,
): Promise<{ readonly statusRefusal?: string }> {
  const key = { repositoryId, sha: event.sha, context: statusContext(event) }
  const sent = await store.statuses.find(key)
  return sent?.error === undefined || sent.pipelineId !== id ? {} : { statusRefusal: sent.error }
}

/** The forge's rejection of a repository's token, if any. */
export async function viewForgeRefusal(
  store: Reads<'forgeLinks' | 'statuses'>,
  { id }: RepositoryRecord,
): Promise<Pick<RepositoryView, 'forgeRefusal'>> {
  const { refusal } = refusalOf(await store.forgeLinks.find(id))
  return refusal ? { forgeRefusal: refusal } : {}
}

function refusalOf(link: ForgeLinkRecord | undefined): Pick<ForgeLinkView, 'refusal'> {
  if (!link?.refusal) return {}
  const { since, words } = link.refusal
  return { refusal: { since, words } }
}
