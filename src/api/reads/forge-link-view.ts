import type { ForgeLinkView } from '../../contract/rest/rest-forge-links.ts'
import type { RepositoryView } from '../../contract/rest/views.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { ForgeLinkRecord, RepositoryRecord } from '../../store/records.ts'
import type { StoreReader } from '../../store/store.ts'

/** What may be shown of a repository's link: all but its token. Rejects with `not_found`. */
export async function viewForgeLink(
  store: StoreReader,
  { id, name }: RepositoryRecord,
): Promise<ForgeLinkView> {
  const link = await store.forgeLinks.find(id)
  if (!link) {
    const words = `${name} is not linked: link it by \`narwhal repo link ${name} --token-file <file>\``
    throw new NarwhalError('not_found', words)
  }
  const { forge, apiUrl, project, createdAt } = link
  const about = { forge, apiUrl, project, createdAt, ...refusalOf(link) }
  const last = await store.statuses.findLast(id)
  if (!last) return about
  const { pipelineId, sha, context, state, error, sentAt: toldAt } = last
  const refused = error === undefined ? {} : { error }
  return {
    ...about,
    last: { pipelineId, sha, context, state, ...refused, toldAt },
  }
}

/** Whether its forge does not take a repository's token; nothing where it does, or there is none. */
export async function viewForgeRefusal(
  store: StoreReader,
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
