import type { CommitEvent } from '../../core/commit-event.ts'
import { requestOf } from '../../core/forges.ts'
import type {
  ForgePullRequest,
  ForgeQuestion,
  ForgeQuestions,
} from '../../forge/author-questions.ts'
import { type ForgeSaid, trouble } from './ask-forge.ts'

export type Ask = (question: ForgeQuestion) => Promise<ForgeSaid>

/** So many pages are looked at for somebody's merged pull requests. */
const MOST_PAGES = 5

/** What is asked for of a pull request, or why that is not known. */
export type Found<Value> =
  | { readonly kind: 'found'; readonly value: Value }
  | { readonly kind: 'trouble'; readonly words: string }

/** The pull request that an event is of, as the forge has it now. */
export async function findRequest(
  { ref }: Pick<CommitEvent, 'ref'>,
  questions: ForgeQuestions,
  ask: Ask,
): Promise<Found<ForgePullRequest>> {
  const number = Number(requestOf(ref)?.number)
  if (!Number.isSafeInteger(number)) {
    return trouble('the ref does not say which pull request it is of')
  }
  const said = await ask(questions.request(number))
  if (said.kind === 'trouble') return said
  if (said.kind === 'nothing') return trouble('it knows no such pull request')
  const value = questions.readRequest(said.json)
  return value ? { kind: 'found', value } : trouble('what it tells of the pull request is odd')
}

/**
 * Whose a pull request is that was found by polling: its author's, where the forge has it at this very commit,
 * and its head is in a repository of the author's own, so that nobody else pushes there but whom they let.
 */
export async function findAuthor(
  { sha }: Pick<CommitEvent, 'sha'>,
  request: ForgePullRequest,
  questions: ForgeQuestions,
  ask: Ask,
): Promise<Found<number>> {
  const { authorId, headSha, headOwnerId, headProjectId } = request
  if (headSha !== sha) return trouble('the pull request has another head by now')
  const owner = headOwnerId ?? (await findOwner(headProjectId, questions, ask))
  if (owner !== authorId) {
    return trouble('its head is in no repository of its author, and who pushed it is not told')
  }
  return { kind: 'found', value: authorId }
}

async function findOwner(
  headProjectId: number | undefined,
  { project }: ForgeQuestions,
  ask: Ask,
): Promise<number | undefined> {
  if (headProjectId === undefined || !project) return undefined
  const said = await ask(project.ask(headProjectId))
  return said.kind === 'answer' ? project.read(said.json, headProjectId) : undefined
}

/** Whether a pull request of the account with this number was ever merged into the repository. */
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
  if (login.kind === 'trouble') return login
  const asked = { authorId, repositoryId, login: login.value }
  for (let page = 1; page <= MOST_PAGES; page++) {
    const said = await ask(questions.merged(asked, page))
    if (said.kind === 'trouble') return said
    if (said.kind === 'nothing')
      return trouble('it knows no such repository, or nobody of that name')
    const told = questions.readMerged(said.json, asked)
    if (!told) return trouble('what it tells of merged pull requests is odd')
    // What was asked by a name may be somebody else's who had it before: the number decides.
    if (told.mergedOf.includes(authorId)) return { kind: 'found', value: true }
    if (told.isLast) break
  }
  return { kind: 'found', value: false }
}

async function findLogin(
  authorId: number,
  { account }: ForgeQuestions,
  ask: Ask,
): Promise<Found<string>> {
  if (!account) return { kind: 'found', value: '' }
  const said = await ask(account.ask(authorId))
  if (said.kind === 'trouble') return said
  const login = said.kind === 'answer' ? account.read(said.json, authorId) : undefined
  return login === undefined
    ? trouble('it does not tell who brought the commit')
    : { kind: 'found', value: login }
}
