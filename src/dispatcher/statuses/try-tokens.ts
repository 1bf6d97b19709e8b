import { forgePort } from '../../forge/forges.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'
import type { ForgeLinkRecord } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'
import { getFromForge, isLimited } from '../forge-api/ask-api.ts'
import { noteForgeAnswer } from './forge-refusals.ts'

export interface TokenTrials {
  readonly store: Uses<'forgeLinks' | 'repositories' | 'transact'>
  readonly log: Logger
  /** Throws when a token can't be opened. */
  readonly openToken: (link: ForgeLinkRecord) => string
  readonly hosts: Hosts
  readonly signal: AbortSignal
}

const DAY_MS = 86_400_000
const ANSWER_MS = 15_000
/** Per round: an unresponsive forge delays at most these. */
const MOST_AT_ONCE = 20

/**
 * Fetches each linked repository from its forge once a day, so that an expired token is noticed before the
 * next commit needs it. Never rejects.
 */
export async function tryTokens(trials: TokenTrials, now: number): Promise<void> {
  const { store, log, signal } = trials
  try {
    const before = now - DAY_MS
    const due = (await store.forgeLinks.list())
      .filter(({ triedAt, createdAt }) => (triedAt ?? createdAt) < before)
      .slice(0, MOST_AT_ONCE)
    for (const link of due) {
      if (signal.aborted) return
      const { repositoryId } = link
      const trial = { repositoryId, before, at: now }
      const { result: isOurs } = await store.transact((write) => write.forgeLinks.claimTrial(trial))
      if (isOurs) await tryToken(trials, link)
    }
  } catch (error) {
    if (!signal.aborted) log.debug({ reason: describeError(error) }, 'checking forge tokens failed')
  }
}

async function tryToken(trials: TokenTrials, link: ForgeLinkRecord): Promise<void> {
  const { log, signal } = trials
  try {
    const answer = await ask(trials, link)
    if (answer !== 'unknown') await noteForgeAnswer(trials, link, { ...answer, of: 'trial' })
  } catch (error) {
    if (signal.aborted) return
    const facts = { repository: link.repositoryId, reason: describeError(error) }
    log.debug(facts, "checking a repository's forge token failed")
  }
}

/** An unreachable or rate-limiting forge says nothing about the token. */
async function ask(
  { openToken, hosts, signal }: TokenTrials,
  link: ForgeLinkRecord,
): Promise<{ readonly words: string | undefined } | 'unknown'> {
  const question = forgePort(link.forge).repositoryQuestion(link, openToken(link))
  const either = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
  const { status, headers } = await getFromForge(question, { hosts, signal: either })
  if (status >= 200 && status < 300) return { words: undefined }
  if (status === 401) return { words: 'it answered 401: the token is not valid (any more)' }
  if (status !== 403 || isLimited(headers)) return 'unknown'
  return { words: 'it answered 403: the token may not see the repository (any more)' }
}
