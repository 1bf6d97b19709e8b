import type { CommitEvent } from '../../core/commit-event.ts'
import type { RepositoryId } from '../../core/ids.ts'
import {
  type AskTrouble,
  accountsOf,
  DEFAULT_APPROVAL,
  type KnownAuthors,
} from '../../core/stranger/approval.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import type { ForgePullRequest, ForgeQuestions } from '../../forge/author-questions.ts'
import { forgePort } from '../../forge/forges.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Hosts } from '../../lib/reach/hosts.ts'
import type { ForgeLinkRecord, RepositoryRecord } from '../../store/records.ts'
import type { Reads } from '../../store/store.ts'
import { askForge } from './ask-forge.ts'
import {
  type Ask,
  type Found,
  findAuthor,
  findRequest,
  findWhetherMerged,
} from './merged-at-forge.ts'

export interface AuthorLookupDeps {
  readonly store: Reads<'accounts' | 'forgeLinks'>
  /** Stores that a pull request of an account was merged. */
  readonly noteMerged: (merged: { repositoryId: RepositoryId; actorId: number }) => Promise<void>
  /** Throws when the token can't be opened. */
  readonly openToken: (link: ForgeLinkRecord) => string
  /** Where forges may be. */
  readonly hosts: Hosts
  readonly log: Logger
  /** Aborts when the dispatcher stops. */
  readonly signal: AbortSignal
  /** The timeout for all requests about one commit, in milliseconds. */
  readonly withinMs?: number
}

type Of = Pick<CommitEvent, 'id' | 'kind' | 'ref' | 'sha' | 'source' | 'trust'>
type At = Pick<RepositoryRecord, 'id' | 'approval' | 'forgeId'>

const WITHIN_MS = 10_000
/** How long it is cached that nothing of an account was merged. */
const NEWCOMER_MS = 600_000
/** How long no requests are sent to a forge after it has failed. */
const PAUSE_MS = 30_000
const MOST_REMEMBERED = 10_000
const NOT_ASKED: AskTrouble = { because: 'forge_unasked' }

/** How to query one repository's forge. */
interface Forge {
  readonly questions: ForgeQuestions
  readonly ask: Ask
}

/**
 * Which authors of a stranger's commit have had something merged: by signed webhooks, or by the forge, which
 * is queried with the token for statuses. A yes is stored for good; a no is cached for ten minutes. If a
 * forge doesn't answer in time, or unexpectedly, the answer is unknown and the commit waits. At most one
 * request at a time is sent to each forge.
 */
export class AuthorLookup {
  readonly #deps: AuthorLookupDeps
  /** Until when an account counts as a newcomer, by repository and account; oldest first. */
  readonly #newcomers = new Map<string, number>()
  /** Recently fetched pull requests, by event; oldest first. */
  readonly #requests = new Map<string, Promise<Found<ForgePullRequest>>>()
  readonly #turns = new Map<string, SerialQueue>()
  readonly #pausedUntil = new Map<string, { readonly at: number; readonly words: string }>()

  constructor(deps: AuthorLookupDeps) {
    this.#deps = deps
  }

  /** Rejects only as the store does. */
  async find(event: Of, repository: At): Promise<KnownAuthors> {
    const { store } = this.#deps
    const accounts = accountsOf(event.trust)
    const merged = await store.accounts.findMerged(repository.id, accounts)
    const known = { accounts, merged }
    const isOpen = accounts.length === 0 || !accounts.every((id) => merged.has(id))
    if (!isOpen || !isAsked(event, repository)) return known
    const forge = await this.#forgeOf(repository.id)
    if ('because' in forge) return { ...known, trouble: forge }
    return await this.#ask(event, repository, known, forge)
  }

  /** What a polled ref doesn't say about its pull request, if its forge can be queried. */
  async findBase(
    event: Of,
    repository: At,
  ): Promise<Pick<ForgePullRequest, 'base' | 'targetBranch' | 'request'>> {
    if (event.source !== 'poll' || event.kind !== 'pull_request') return {}
    const forge = await this.#forgeOf(repository.id)
    if ('because' in forge) return {}
    const request = await this.#request(event, forge)
    // With another head the answer is about another commit.
    if (request.kind === 'failed' || request.value.headSha !== event.sha) return {}
    return request.value
  }

  async #ask(
    event: Of,
    { id, forgeId }: At,
    known: KnownAuthors,
    forge: Forge,
  ): Promise<KnownAuthors> {
    const request = await this.#request(event, forge)
    if (request.kind === 'failed') return { ...known, trouble: silent(request.words) }
    const { repositoryId } = request.value
    const ours = event.trust.repositoryId ?? forgeId
    if (ours !== undefined && ours !== repositoryId) {
      return { ...known, trouble: silent('it is linked to another repository than its webhooks') }
    }
    const accounts = [...known.accounts]
    const merged = new Set(known.merged)
    if (accounts.length === 0) {
      const author = await findAuthor(event, request.value, forge.questions, forge.ask)
      if (author.kind === 'failed') return { ...known, trouble: silent(author.words) }
      accounts.push(author.value)
      // The sender counts as well, even if the author is somebody else.
      const { senderId } = event.trust
      if (senderId !== undefined && senderId !== author.value) accounts.push(senderId)
      for (const one of await this.#deps.store.accounts.findMerged(id, accounts)) merged.add(one)
    }
    for (const authorId of accounts) {
      if (merged.has(authorId) || this.#isNewcomer(id, authorId)) continue
      const { questions, ask } = forge
      const asked = { authorId, repositoryId }
      const said = await findWhetherMerged(asked, request.value, questions, ask)
      if (said.kind === 'failed') return { accounts, merged, trouble: silent(said.words) }
      if (said.value) {
        merged.add(authorId)
        await this.#deps.noteMerged({ repositoryId: id, actorId: authorId })
      } else this.#remember(id, authorId)
    }
    return { accounts, merged }
  }

  /** Fetched once per event. */
  #request(event: Of, { questions, ask }: Forge): Promise<Found<ForgePullRequest>> {
    const known = this.#requests.get(event.id)
    if (known) return known
    const asked = findRequest(event, questions, ask)
    this.#requests.set(event.id, asked)
    dropOldest(this.#requests)
    // A failure is retried with the next pipeline of the event.
    void asked.then(({ kind }) => {
      if (kind === 'failed') this.#requests.delete(event.id)
    })
    return asked
  }

  async #forgeOf(repositoryId: RepositoryId): Promise<Forge | AskTrouble> {
    const { store, openToken } = this.#deps
    const link = await store.forgeLinks.find(repositoryId)
    if (!link) return NOT_ASKED
    try {
      const questions = forgePort(link.forge).authorQuestions?.(link, openToken(link))
      return questions ? { questions, ask: this.#asker(link.apiUrl) } : NOT_ASKED
    } catch (error) {
      return silent(describeError(error))
    }
  }

  /** All requests of one asker share one timeout, which includes the wait for their turn. */
  #asker(apiUrl: string): Ask {
    const { hosts, signal, log, withinMs = WITHIN_MS } = this.#deps
    const turns = this.#turns.get(apiUrl) ?? new SerialQueue()
    this.#turns.set(apiUrl, turns)
    const within = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
    return (question) =>
      turns.run(async () => {
        const pause = this.#pausedUntil.get(apiUrl)
        if (pause && pause.at > Date.now())
          return { kind: 'failed', words: pause.words, isForAll: true }
        const answer = await askForge(question, hosts, within)
        if (answer.kind === 'failed' && answer.isForAll && !signal.aborted) {
          this.#pausedUntil.set(apiUrl, { at: Date.now() + PAUSE_MS, words: answer.words })
          log.warn({ forge: apiUrl, reason: answer.words }, 'querying the forge for authors failed')
        }
        return answer
      })
  }

  #isNewcomer(repositoryId: RepositoryId, authorId: number): boolean {
    return (this.#newcomers.get(`${repositoryId} ${authorId}`) ?? 0) > Date.now()
  }

  #remember(repositoryId: RepositoryId, authorId: number): void {
    const key = `${repositoryId} ${authorId}`
    this.#newcomers.delete(key)
    this.#newcomers.set(key, Date.now() + NEWCOMER_MS)
    dropOldest(this.#newcomers)
  }
}

/** Only if the answer decides, and only for pull requests: other refs have no known author. */
function isAsked({ kind, trust }: Of, { approval = DEFAULT_APPROVAL }: At): boolean {
  if (approval !== 'first-time-contributors' || kind !== 'pull_request') return false
  return isStranger(trust) && trust.stranger !== 'listed_account'
}

function silent(words: string): AskTrouble {
  return { because: 'forge_silent', words: words.slice(0, 300) }
}

function dropOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= MOST_REMEMBERED) return
    map.delete(key)
  }
}
