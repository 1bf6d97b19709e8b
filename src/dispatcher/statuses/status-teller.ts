import { createHash } from 'node:crypto'
import type { PipelineView } from '../../contract/rest/views.ts'
import { statusContext } from '../../core/commit-status.ts'
import type { DispatcherId, PipelineId, RepositoryId } from '../../core/ids.ts'
import { forgePort } from '../../forge/forges.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { ANY_HOSTS, type Hosts } from '../../lib/reach/hosts.ts'
import type { ForgeLinkRecord } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import { commitStatus } from './commit-status.ts'
import { noteForgeAnswer } from './forge-refusals.ts'
import { sendStatus } from './send-status.ts'
import { StatusLane, type TellAnswer } from './status-lane.ts'

export interface StatusTellerDeps {
  readonly store: Store
  readonly log: Logger
  /** The dispatcher whose pipelines are told of. */
  readonly dispatcherId: () => DispatcherId
  /** Throws when a token can't be had. */
  readonly openToken: (link: ForgeLinkRecord) => string
  /** Where people reach the page. */
  readonly publicUrl?: string | undefined
  /** Where forges may be; anywhere unless told. */
  readonly hosts?: Hosts | undefined
  /** Called with what became of each status. */
  readonly onAnswer: (kind: TellAnswer['kind']) => void
  readonly firstPauseMs?: number
}

interface Link {
  readonly record: ForgeLinkRecord
  /** Whether the forge has not taken the token last. */
  isRefused: boolean
  readonly token: string
  readonly lane: StatusLane
}

/** A state that is older than this is of use to nobody. */
const TOLD_FOR_MS = 3 * 86_400_000
const MOST_AT_ONCE = 500
/** So much of the pipelines' time is looked at by one query. */
const STRETCH_MS = 3_600_000
/** Clocks of dispatchers may differ, and transactions take their time. */
const MARGIN_MS = 600_000
const FIRST_PAUSE_MS = 1_000

/**
 * Tells forges how pipelines stand. What is to be told is read off the store: the state of each
 * pipeline, and what the forge was told last. So nothing waits for a forge, a restart loses nothing,
 * and `note` only says that a look is worth its while.
 */
export class StatusTeller implements AsyncDisposable {
  readonly #deps: StatusTellerDeps
  readonly #stop = new AbortController()
  #links: ReadonlyMap<RepositoryId, Link> = new Map()
  /** By the forge and a digest of the token. */
  readonly #lanes = new Map<string, StatusLane>()
  #looking: Promise<void> | undefined
  /** The last look: all up to that moment was told or noted, and what was there then. */
  #seen:
    | { readonly through: number; readonly linked: string; readonly dispatchers: string }
    | undefined
  /** There was no room for something. */
  #hasMissed = false

  constructor(deps: StatusTellerDeps) {
    this.#deps = deps
  }

  /**
   * A pipeline of ours has changed. Never waits and never throws; where there is no room for it, a
   * later look finds it.
   */
  note({ id, number, repositoryId, event }: PipelineView): void {
    const link = this.#links.get(repositoryId)
    if (!link) return
    const key = `${repositoryId} ${event.sha} ${statusContext(event.kind)}`
    if (!link.lane.add(key, { id, number })) this.#hasMissed = true
  }

  /** How many statuses wait. */
  get waiting(): number {
    return [...this.#lanes.values()].reduce((sum, lane) => sum + lane.waiting, 0)
  }

  /** Looks which repositories are linked, and what was not told yet. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => {
        this.#hasMissed = true
        const reason = describeError(error)
        this.#deps.log.debug({ reason }, 'it is not known which statuses are untold')
      })
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  async #look(): Promise<void> {
    const { store } = this.#deps
    const startedAt = Date.now()
    const links = await store.forgeLinks.list()
    if (this.#stop.signal.aborted) return
    // A refused token is no other link: what it could not tell counts as told.
    const linked = JSON.stringify(links.map(({ triedAt: _t, refusal: _r, ...link }) => link))
    if (linked !== this.#seen?.linked) this.#link(links)
    for (const { repositoryId, refusal } of links) {
      const link = this.#links.get(repositoryId)
      if (link) link.isRefused = refusal !== undefined
    }
    if (this.#links.size === 0) return
    const dispatchers = (await store.dispatchers.list()).map(({ id }) => id).join()
    const seen = this.#seen
    const isAsBefore = seen?.linked === linked && seen.dispatchers === dispatchers
    // What was missed or refused, or what a dispatcher that is gone has left, may be of any age.
    const since = isAsBefore && !this.#hasMissed ? seen.through - MARGIN_MS : 0
    this.#hasMissed = false
    await this.#note(Math.max(since, startedAt - TOLD_FOR_MS), startedAt)
    this.#seen = { through: startedAt, linked, dispatchers }
  }

  #link(links: readonly ForgeLinkRecord[]): void {
    this.#links = new Map(links.flatMap((link) => this.#open(link)))
    const inUse = new Set([...this.#links.values()].map(({ lane }) => lane))
    for (const [key, lane] of this.#lanes) {
      if (lane.isIdle && !inUse.has(lane)) this.#lanes.delete(key)
    }
  }

  /**
   * Notes what is untold of pipelines that were created since then: a stretch of time after the other,
   * since a database in this process answers nobody else meanwhile.
   */
  async #note(since: number, until: number): Promise<void> {
    const { store, dispatcherId } = this.#deps
    for (let at = since; at <= until && !this.#stop.signal.aborted; at += STRETCH_MS) {
      const isLast = at + STRETCH_MS > until
      const found = await store.statuses.listUntold({
        by: dispatcherId(),
        since: at,
        // Another dispatcher's clock may be ahead.
        ...(isLast ? {} : { before: at + STRETCH_MS }),
        limit: MOST_AT_ONCE,
      })
      for (const pipeline of found) this.note(pipeline)
      if (found.length === MOST_AT_ONCE) this.#hasMissed = true
    }
  }

  #open(link: ForgeLinkRecord): [RepositoryId, Link][] {
    try {
      const token = this.#deps.openToken(link)
      const lane = this.#laneOf(link, token)
      return [[link.repositoryId, { record: link, isRefused: false, token, lane }]]
    } catch (error) {
      const facts = { repository: link.repositoryId, reason: describeError(error) }
      this.#deps.log.error(facts, 'the token for the statuses of a repository can not be had')
      return []
    }
  }

  #laneOf({ apiUrl }: ForgeLinkRecord, token: string): StatusLane {
    const key = `${apiUrl} ${createHash('sha256').update(token).digest('hex')}`
    const known = this.#lanes.get(key)
    if (known) return known
    const { log, firstPauseMs = FIRST_PAUSE_MS } = this.#deps
    const lane = new StatusLane({
      tell: (id) => this.#tell(id),
      onTrouble: (reason) => {
        if (reason === undefined) log.info({ forge: apiUrl }, 'the forge takes statuses again')
        else log.warn({ forge: apiUrl, reason }, 'statuses can not be told; will try again')
      },
      signal: this.#stop.signal,
      firstPauseMs,
    })
    this.#lanes.set(key, lane)
    return lane
  }

  async #tell(id: PipelineId): Promise<TellAnswer> {
    const answer = await this.#tellNewest(id).catch((error: unknown): TellAnswer => {
      return { kind: 'later', words: describeError(error) }
    })
    if (!this.#stop.signal.aborted) this.#deps.onAnswer(answer.kind)
    return answer
  }

  /** Rejects as the store does. */
  async #tellNewest(id: PipelineId): Promise<TellAnswer> {
    const { store, publicUrl, log } = this.#deps
    const pipeline = await store.pipelines.findView(id)
    const link = pipeline && this.#links.get(pipeline.repositoryId)
    if (!link) return { kind: 'nothing' }
    const { number, repositoryId } = pipeline
    const isSkipped = pipeline.outcome === 'skipped'
    const repository = isSkipped ? await store.repositories.find(repositoryId) : undefined
    const skippedIsOpen = repository?.skippedIsOpen
    const status = commitStatus(pipeline, { publicUrl, skippedIsOpen })
    const { sha, context, state } = status
    const known = await store.statuses.find({ repositoryId, sha, context })
    const isTold =
      known && (known.number > number || (known.number === number && known.state === state))
    if (isTold) return { kind: 'nothing' }
    const answer = await sendStatus(
      forgePort(link.record.forge).statusRequest(link.record, link.token, status),
      this.#deps.hosts ?? ANY_HOSTS,
      this.#stop.signal,
    )
    if (answer.kind === 'later') return answer
    const error = answer.kind === 'refused' ? { error: answer.words } : {}
    const told = { repositoryId, sha, context, pipelineId: id, number, state, ...error }
    await store.transact((write) => write.statuses.note({ ...told, toldAt: Date.now() }))
    const { isOfToken = false } = answer.kind === 'refused' ? answer : {}
    if (isOfToken || link.isRefused) {
      link.isRefused = isOfToken
      const words = isOfToken ? error.error : undefined
      await noteForgeAnswer(this.#deps, link.record, { words, of: 'status' })
    }
    if (answer.kind === 'refused' && !isOfToken) {
      const facts = { repository: pipeline.repositoryName, sha, reason: answer.words }
      log.warn(facts, 'the forge refuses a status')
    }
    return answer
  }

  /** Leaves what is untold to the next start, or to another dispatcher. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#looking
    await Promise.all([...this.#lanes.values()].map((lane) => lane.settled()))
  }
}
