import type { CommitEvent } from '../../core/commit-event.ts'
import { requestOf } from '../../core/forges.ts'
import type {
  ForgePullRequest,
  ForgeQuestion,
  ForgeQuestions,
} from '../../forge/author-questions.ts'
import { type ForgeAnswer, failed } from './ask-forge.ts'

export type Ask = (question: ForgeQuestion) => Promise<ForgeAnswer>

/** How many pages are searched for an account's merged pull requests. */
const MOST_PAGES = 5

/** A fact about a pull request, or why it is unknown. */
export type Found<Value> =
  | { readonly kind: 'found'; readonly value: Value }
  | { readonly kind: 'failed'; readonly words: string }

/** The pull request of an event, as the forge has it now. */
export async function findRequest(
  { ref }: Pick<CommitEvent, 'ref'>,
  questions: ForgeQuestions,
  ask: Ask,
): Promise<Found<ForgePullRequest>> {
  const number = Number(requestOf(ref)?.number)
  if (!Number.isSafeInteger(number)) {
    return failed('the ref does not name a pull request')
  }
  const answer = await ask(questions.request(number))
  if (answer.kind === 'failed') return answer
  if (answer.kind === 'not_found') return failed('it has no such pull request')
  const value = questions.readRequest(answer.json)
  return value
    ? { kind: 'found', value }
    : failed('its answer about the pull request has an unexpected form')
}

/**
 * The author of a polled pull request: only if the forge has it at this very commit, and its head is in a
 * repository of the author's own, where others push only with the author's permission.
 */
export async function findAuthor(
  { sha }: Pick<CommitEvent, 'sha'>,
  request: ForgePullRequest,
  questions: ForgeQuestions,
  ask: Ask,
): Promise<Found<number>> {
  const { authorId, headSha, headOwnerId, headProjectId } = request
  if (headSha !== sha) return failed('the pull request has another head by now')
  const owner = headOwnerId ?? (await findOwner(headProjectId, questions, ask))
  if (owner !== authorId) {
    return failed('its head is in no repository of its author, and who pushed it is unknown')
  }
  return { kind: 'found', value: authorId }
}

async function findOwner(
  headProjectId: number | undefined,
  { project }: ForgeQuestions,
  ask: Ask,
): Promise<number | undefined> {
  if (headProjectId === undefined || !project) return undefined
  const answer = await ask(project.ask(headProjectId))
  return answer.kind === 'answer' ? project.read(answer.json, headProjectId) : undefined
}

/** Whether a pull request of this account was ever merged into the repository. */
export async function findWhetherMerged(
  { authorId, repositoryId }: { readonly authorId: number; readonly repositoryId: number },
  known: ForgePullRequest,
  questions: ForgeQuestions,
  ask: Ask,
): Promise<Found<boolean>> {
  const login =
    known.authorId === authorId
      ? ({ kind: 'found', value: known.login } as const)
      : await findLogin(authorId, questions, ask)
  if (login.kind === 'failed') return login
  const asked = { authorId, repositoryId, login: login.value }
  for (let page = 1; page <= MOST_PAGES; page++) {
    const answer = await ask(questions.merged(asked, page))
    if (answer.kind === 'failed') return answer
    if (answer.kind === 'not_found')
      return failed('it has no such repository, or no account of that name')
    const found = questions.readMerged(answer.json, asked)
    if (!found) return failed('its answer about merged pull requests has an unexpected form')
    // A search by name may find those of an account that had it before: the id decides.
    if (found.mergedOf.includes(authorId)) return { kind: 'found', value: true }
    if (found.isLast) break
  }
  return { kind: 'found', value: false }
}

async function findLogin(
  authorId: number,
  { account }: ForgeQuestions,
  ask: Ask,
): Promise<Found<string>> {
  if (!account) return { kind: 'found', value: '' }
  const answer = await ask(account.ask(authorId))
  if (answer.kind === 'failed') return answer
  const login = answer.kind === 'answer' ? account.read(answer.json, authorId) : undefined
  return login === undefined
    ? failed('it does not know the account that sent the commit')
    : { kind: 'found', value: login }
}
