import type { RepositoryView } from '../../contract/rest/rest-repositories.ts'
import { present } from '../../lib/present.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { Reads } from '../../store/store.ts'

/** How long after its last push a bot is suggested for the list. */
const SUGGESTED_MS = 90 * 86_400_000
const MAX_SUGGESTED = 10

/** The names of the accounts that a repository lists, and bots that it might list. */
export async function viewAccounts(
  store: Reads<'accounts'>,
  { id, strangerAccounts = [] }: RepositoryRecord,
  now: number,
): Promise<Pick<RepositoryView, 'strangers' | 'seenBots'>> {
  const seen = await store.accounts.list(id)
  const byId = new Map(seen.map((account) => [account.id, account]))
  const strangers = strangerAccounts.map((account) => {
    const { name, listedName } = byId.get(account) ?? {}
    return {
      id: account,
      ...present({ name }),
      ...(listedName === name || listedName === undefined ? {} : { formerName: listedName }),
    }
  })
  const seenBots = seen
    .filter(({ isBot, seenAt }) => isBot && seenAt > now - SUGGESTED_MS)
    .filter((account) => !strangerAccounts.includes(account.id))
    .slice(0, MAX_SUGGESTED)
    .map(({ id: account, name, seenAt }) => ({ id: account, name, seenAt }))
  return { strangers, seenBots }
}
