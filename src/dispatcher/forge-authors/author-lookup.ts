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
import type { StoreReader } from '../../store/store.ts'
import { askForge } from './ask-forge.ts'
import {
  type Ask,
  type Found,
  findAuthor,
  findRequest,
  findWhetherMerged,
} from './merged-at-forge.ts'

export interface AuthorLookupDeps {
  readonly store: Pick<StoreReader, 'accounts' | 'forgeLinks'>
  /** Writes that a pull request of an account was merged. */
  readonly noteMerged: (merged: { repositoryId: RepositoryId; actorId: number }) => Promise<void>
  /** Throws when the token can't be had. */
  readonly openToken: (link: ForgeLinkRecord) => string
  /** Where hosts may be that are asked. */
  readonly hosts: Hosts
  readonly log: Logger
  /** Aborts when the dispatcher stops. */
  readonly signal: AbortSignal
  /** How long a forge may take over all that it is asked of one commit, in milliseconds. */
  readonly withinMs?: number
}

type Of = Pick<CommitEvent, 'id' | 'kind' | 'ref' | 'sha' | 'source' | 'trust'>
type At = Pick<RepositoryRecord, 'id' | 'approval' | 'forgeId'>

const WITHIN_MS = 10_000
/** That nothing of somebody was merged is believed for so long. */
const NEWCOMER_MS = 600_000
/** A forge that has failed is left alone for so long. */
const REST_MS = 30_000
const MOST_REMEMBERED = 10_000
const NOT_ASKED: AskTrouble = { because: 'forge_unasked' }

/** What is asked of one repository's forge. */
interface Forge {
  readonly questions: ForgeQuestions
  readonly ask: Ask
}

/**
 * Who of those whom a stranger's commit is by has had something merged: as signed webhooks have told, or as
 * the forge says when it is asked, by the same token as statuses are told. That it was is remembered for ever; that
 * it was not, for ten minutes. Where a forge does not answer in time, or otherwise than is expected, nothing
 * is known, and the commit waits. One question at a time goes to each forge.
 */
export class AuthorLookup {
  readonly #deps: AuthorLookupDeps
  /** Until when an account counts as a newcomer of a repository, by both; the oldest first. */
  readonly #newcomers = new Map<string, number>()
  /** Pull requests that were asked for just now, by the event; the oldest first. */
  readonly #requests = new Map<string, Promise<Found<ForgePullRequest>>>()
  readonly #turns = new Map<string, SerialQueue>()
  readonly #restsUntil = new Map<string, { readonly at: number; readonly words: string }>()

  constructor(deps: AuthorLookupDeps) {
    this.#deps = deps
  }

  /** Never rejects but as the store does. */
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

  /** What a pull request is to be compared with that was found by polling, where its forge can be asked. */
  async findBase(
    event: Of,
    repository: At,
  ): Promise<Pick<ForgePullRequest, 'base' | 'targetBranch'>> {
    if (event.source !== 'poll' || event.kind !== 'pull_request') return {}
    const forge = await this.#forgeOf(repository.id)
    if ('because' in forge) return {}
    const request = await this.#request(event, forge)
    // Its numbers are those of another commit by now.
    if (request.kind === 'trouble' || request.value.headSha !== event.sha) return {}
    return request.value
  }

  async #ask(
    event: Of,
    { id, forgeId }: At,
    known: KnownAuthors,
    forge: Forge,
  ): Promise<KnownAuthors> {
    const request = await this.#request(event, forge)
    if (request.kind === 'trouble') return { ...known, trouble: silent(request.words) }
    const { repositoryId } = request.value
    const ours = event.trust.repositoryId ?? forgeId
    if (ours !== undefined && ours !== repositoryId) {
      return { ...known, trouble: silent('the link is to another repository than the webhooks') }
    }
    const accounts = [...known.accounts]
    const merged = new Set(known.merged)
    if (accounts.length === 0) {
      const author = await findAuthor(event, request.value, forge.questions, forge.ask)
      if (author.kind === 'trouble') return { ...known, trouble: silent(author.words) }
      accounts.push(author.value)
      // Who brought it counts as well, whoever the author turns out to be.
      const { senderId } = event.trust
      if (senderId !== undefined && senderId !== author.value) accounts.push(senderId)
      for (const one of await this.#deps.store.accounts.findMerged(id, accounts)) merged.add(one)
    }
    for (const authorId of accounts) {
      if (merged.has(authorId) || this.#isNewcomer(id, authorId)) continue
      const { questions, ask } = forge
      const asked = { authorId, repositoryId }
      const said = await findWhetherMerged(asked, request.value, questions, ask)
      if (said.kind === 'trouble') return { accounts, merged, trouble: silent(said.words) }
      if (said.value) {
        merged.add(authorId)
        await this.#deps.noteMerged({ repositoryId: id, actorId: authorId })
      } else this.#remember(id, authorId)
    }
    return { accounts, merged }
  }

  /** Once for each event, however often it is wanted. */
  #request(event: Of, { questions, ask }: Forge): Promise<Found<ForgePullRequest>> {
    const known = this.#requests.get(event.id)
    if (known) return known
    const asked = findRequest(event, questions, ask)
    this.#requests.set(event.id, asked)
    forgetOldest(this.#requests)
    // What has failed is asked again with the next pipeline of the event.
    void asked.then(({ kind }) => {
      if (kind === 'trouble') this.#requests.delete(event.id)
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

  /** All that is asked by one of these has one limit of time, the wait for its turn included. */
  #asker(apiUrl: string): Ask {
    const { hosts, signal, log, withinMs = WITHIN_MS } = this.#deps
    const turns = this.#turns.get(apiUrl) ?? new SerialQueue()
    this.#turns.set(apiUrl, turns)
    const within = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
    return (question) =>
      turns.run(async () => {
        const rest = this.#restsUntil.get(apiUrl)
        if (rest && rest.at > Date.now())
          return { kind: 'trouble', words: rest.words, isForAll: true }
        const said = await askForge(question, hosts, within)
        if (said.kind === 'trouble' && said.isForAll && !signal.aborted) {
          this.#restsUntil.set(apiUrl, { at: Date.now() + REST_MS, words: said.words })
          log.warn({ forge: apiUrl, reason: said.words }, 'the forge can not be asked for authors')
        }
        return said
      })
  }

  #isNewcomer(repositoryId: RepositoryId, authorId: number): boolean {
    return (this.#newcomers.get(`${repositoryId} ${authorId}`) ?? 0) > Date.now()
  }

  #remember(repositoryId: RepositoryId, authorId: number): void {
    const key = `${repositoryId} ${authorId}`
    this.#newcomers.delete(key)
    this.#newcomers.set(key, Date.now() + NEWCOMER_MS)
    forgetOldest(this.#newcomers)
  }
}

/** Only where the answer decides, and of pull requests only: of another ref nobody is known. */
function isAsked({ kind, trust }: Of, { approval = DEFAULT_APPROVAL }: At): boolean {
  if (approval !== 'first-time-contributors' || kind !== 'pull_request') return false
  return isStranger(trust) && trust.stranger !== 'listed_account'
}

function silent(words: string): AskTrouble {
  return { because: 'forge_silent', words: words.slice(0, 300) }
}

function forgetOldest(map: Map<string, unknown>): void {
  for (const key of map.keys()) {
    if (map.size <= MOST_REMEMBERED) return
    map.delete(key)
  }
}
