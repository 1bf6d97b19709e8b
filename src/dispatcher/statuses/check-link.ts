import { type ForgeTarget, forgeFacts } from '../../core/forges.ts'
import { forgePort } from '../../forge/forges.ts'
import type { FoundRepository } from '../../forge/repository-question.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { parseJson } from '../../lib/parse-json.ts'
import type { OneAnswer } from '../../lib/reach/ask-once.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'
import { describeConnectError } from '../../lib/tls/connect-errors.ts'
import { getFromForge, postToForge } from '../forge-api/ask-api.ts'

/** For both questions together. */
const WITHIN_MS = 20_000
const MOST_BYTES = 1024 * 1024
/** A status for it is accepted by no forge: whether that is for the commit or for the token is the answer. */
const NO_COMMIT = '0'.repeat(40)

/** A target whose forge accepts statuses with this token. */
export interface CheckedLink {
  readonly target: ForgeTarget
  /** The repository there; its path may be another than was asked for, where it was renamed. */
  readonly found: FoundRepository
}

/**
 * Asks a forge whether the token is valid for the repository and may write statuses, before anything is saved.
 * Rejects with `conflict` and what to do, and with `unavailable` if the forge can't be asked now.
 */
export async function checkLink(
  target: ForgeTarget,
  token: string,
  { hosts, signal }: { readonly hosts: Hosts; readonly signal: AbortSignal },
): Promise<CheckedLink> {
  const { title, lacks = [] } = forgeFacts(target.forge)
  if (lacks.includes('statuses')) throw refusal(`${title} has no commit statuses: nothing to link`)
  const ends = AbortSignal.any([signal, AbortSignal.timeout(WITHIN_MS)])
  const ask = async (work: () => Promise<OneAnswer>): Promise<OneAnswer> => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof NarwhalError) throw error
      const words = `${target.apiUrl} can't be asked: ${describeConnectError(error)}; to link the repository all the same: --unchecked`
      throw new NarwhalError('unavailable', words, { cause: error })
    }
  }
  const port = forgePort(target.forge)
  const question = port.repositoryQuestion(target, token)
  const get = async (url: string): Promise<OneAnswer> =>
    await ask(() =>
      getFromForge({ ...question, url }, { hosts, signal: ends, mostBytes: MOST_BYTES }),
    )
  const answer = await following(question.url, get)
  const tryStatus = async (at: ForgeTarget): Promise<OneAnswer> => {
    const status = {
      sha: NO_COMMIT,
      state: 'pending',
      context: 'narwhal',
      description: '',
    } as const
    const trial = port.statusRequest(at, token, status)
    return await ask(() => postToForge(trial, { hosts, signal: ends }))
  }
  // A token of GitHub that may write statuses alone doesn't see a private repository.
  const isHidden = forgeFacts(target.forge).hidesRights && answer.status === 404
  if (isHidden && (await tryStatus(target)).status === 422) {
    return { target, found: { path: target.project } }
  }
  const found = port.readRepository(parseJson(readAnswer(answer, target)))
  if (!found) throw refusal(`${target.apiUrl} answers, but not as the API of ${title}`)
  const there = { ...target, project: found.path }
  refuseWrites(await tryStatus(there), there)
  return { target: there, found }
}

/** A renamed repository's former path leads to its number, at the same server: the token is for no other. */
async function following(
  url: string,
  get: (url: string) => Promise<OneAnswer>,
): Promise<OneAnswer> {
  const answer = await get(url)
  const location = answer.headers.get('location')
  if (answer.status < 300 || answer.status >= 400 || location === null) return answer
  if (!URL.canParse(location, url)) return answer
  const next = new URL(location, url)
  return next.origin === new URL(url).origin ? await get(next.href) : answer
}

function readAnswer({ status, text }: OneAnswer, { project, apiUrl }: ForgeTarget): string {
  if (status >= 200 && status < 300) return text
  const at = `${apiUrl} answered ${status}`
  if (status === 401) throw refusal(`${at}: the token is not valid`)
  if (status === 403) throw refusal(`${at}: the token may not read ${project}`)
  if (status === 404) {
    throw refusal(
      `${at}: it has no repository ${project}, or the token may not see it; give its path with --project, or another --api-url`,
    )
  }
  if (status >= 300 && status < 400) {
    throw refusal(`${at}: it redirects to another server; give that one with --api-url`)
  }
  const words = `${at}; to link the repository all the same: --unchecked`
  throw new NarwhalError('unavailable', words)
}

/** GitHub answers 404 where a token lacks the right, and 422 to a commit that isn't there; others say 403. */
function refuseWrites({ status, text }: OneAnswer, { forge, project, apiUrl }: ForgeTarget): void {
  const at = `${apiUrl} answered ${status} to a status`
  if (status === 401 || status === 403 || (forgeFacts(forge).hidesRights && status === 404)) {
    throw refusal(`${at}: the token may not write commit statuses of ${project}`)
  }
  if (status === 405 || (status === 404 && parseJson(text) === undefined)) {
    throw refusal(`${at}: its API has no commit statuses`)
  }
}

function refusal(words: string): NarwhalError {
  return new NarwhalError('conflict', words)
}
