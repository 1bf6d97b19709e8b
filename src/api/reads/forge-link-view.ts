import type { ForgeLinkView } from '../../contract/rest/rest-forge-links.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { StoreReader } from '../../store/store.ts'

/** What may be shown of a repository's link: all but its token. Rejects with `not_found`. */
export async function viewForgeLink(
  store: StoreReader,
  { id, name }: RepositoryRecord,
): Promise<ForgeLinkView> {
  const link = await store.findForgeLink(id)
  if (!link) {
    const words = `${name} is not linked: link it by \`narwhal repo link ${name} --token-file <file>\``
    throw new NarwhalError('not_found', words)
  }
  const { forge, apiUrl, project, createdAt } = link
  const last = await store.findLastTold(id)
  if (!last) return { forge, apiUrl, project, createdAt }
  const { pipelineId, sha, context, state, error, toldAt } = last
  const refused = error === undefined ? {} : { error }
  return {
    forge,
    apiUrl,
    project,
    createdAt,
    last: { pipelineId, sha, context, state, ...refused, toldAt },
  }
}
