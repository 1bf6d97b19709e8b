import type { Logger } from '../../lib/log.ts'
import type { ForgeLinkRecord, ForgeRefusal } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'

/**
 * Notes that a forge takes the token of a repository, or, with words, why it does not. What is new is told once
 * in the log: a token ends, or the account that it is of, and nobody hears of it otherwise.
 */
export async function noteForgeAnswer(
  { store, log }: { readonly store: Store; readonly log: Logger },
  { repositoryId, token }: Pick<ForgeLinkRecord, 'repositoryId' | 'token'>,
  { words, of }: { readonly words: string | undefined; readonly of: ForgeRefusal['of'] },
): Promise<void> {
  const refusal = words === undefined ? undefined : { since: Date.now(), words, of }
  const { result: isNews } = await store.transact(async (write) => {
    const known = await write.forgeLinks.find(repositoryId)
    // One that may read but not write statuses is still refused where it counts.
    if (!refusal && known?.refusal?.of === 'status' && of === 'trial') return false
    return await write.forgeLinks.setRefusal({ repositoryId, token }, refusal)
  })
  if (!isNews) return
  const repository = (await store.repositories.find(repositoryId))?.name ?? repositoryId
  if (words === undefined) {
    log.info({ repository }, 'the forge takes the token of the repository again')
    return
  }
  const advice = `any administrator gives another by \`narwhal repo link ${repository} --token-file <file>\``
  log.warn({ repository, reason: words }, `the forge refuses the token of a repository: ${advice}`)
}
