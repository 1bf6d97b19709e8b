import type { Logger } from '../../lib/log.ts'
import type { ForgeLinkRecord, ForgeRefusal } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'

/**
 * Records that a forge accepts a repository's token, or, with `words`, why it rejects it. A change is logged
 * once: when a token or its account expires, nobody is notified otherwise.
 */
export async function noteForgeAnswer(
  { store, log }: { store: Uses<'repositories' | 'transact'>; log: Logger },
  { repositoryId, token }: Pick<ForgeLinkRecord, 'repositoryId' | 'token'>,
  { words, of }: { readonly words: string | undefined; readonly of: ForgeRefusal['of'] },
): Promise<void> {
  const refusal = words === undefined ? undefined : { since: Date.now(), words, of }
  const { result: isNews } = await store.transact(async (write) => {
    const known = await write.forgeLinks.find(repositoryId)
    // A token that may read but not write statuses is still rejected where it counts.
    if (!refusal && known?.refusal?.of === 'status' && of === 'trial') return false
    return await write.forgeLinks.setRefusal({ repositoryId, token }, refusal)
  })
  if (!isNews) return
  const repository = (await store.repositories.find(repositoryId))?.name ?? repositoryId
  if (words === undefined) {
    log.info({ repository }, "the forge accepts the repository's token again")
    return
  }
  const advice = `an administrator can set a new one with \`narwhal repo link ${repository} --token-file <file>\``
  log.warn({ repository, reason: words }, `the forge rejects the repository's token: ${advice}`)
}
