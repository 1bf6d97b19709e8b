import { createHash } from 'node:crypto'
import type { PipelineView } from '../../contract/rest/views.ts'
import { isTold, statusContext } from '../../core/commit-status.ts'
import type { DispatcherId, PipelineId, RepositoryId } from '../../core/ids.ts'
import { forgePort } from '../../forge/forges.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import { ANY_HOSTS, type Hosts } from '../../lib/reach/hosts.ts'
import type { ForgeLinkRecord } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'
import { commitStatus } from './commit-status.ts'
import { noteForgeAnswer } from './forge-refusals.ts'
import { sendStatus } from './send-status.ts'
import { type ReportResult, StatusLane } from './status-lane.ts'

export interface StatusReporterDeps {
  readonly store: Uses<
    'dispatchers' | 'forgeLinks' | 'pipelines' | 'repositories' | 'statuses' | 'transact'
  >
  readonly log: Logger
  /** The dispatcher whose pipelines are reported. */
  readonly dispatcherId: () => DispatcherId
  /** Throws when a token can't be opened. */
  readonly openToken: (link: ForgeLinkRecord) => string
  /** The page's address. */
  readonly publicUrl?: string | undefined
  /** Where forges may be; anywhere by default. */
  readonly hosts?: Hosts | undefined
  readonly onResult: (kind: ReportResult['kind']) => void
  readonly firstPauseMs?: number
}

interface Link {
  readonly record: ForgeLinkRecord
  /** Whether the forge rejected the token at its last use. */
  isRefused: boolean
  readonly token: string
  readonly lane: StatusLane
}

/** An older state is of no use to anybody. */
const REPORTED_FOR_MS = 3 * 86_400_000
const MOST_AT_ONCE = 500
/** The time range of one query. */
const RANGE_MS = 3_600_000
/** For clock skew between dispatchers, and the duration of transactions. */
const MARGIN_MS = 600_000
const FIRST_PAUSE_MS = 1_000
/** A pipeline that takes longer to be planned is reported before. */
const LONG_PLANNING_MS = 10_000

/**
 * Reports pipelines to forges as commit statuses. What is to be reported is derived from the store: the state
 * of each pipeline, and the status that was sent last. So nothing waits for a forge, a restart loses nothing,
 * and `onChange` is only a hint.
 */
export class StatusReporter implements AsyncDisposable {
  readonly #deps: StatusReporterDeps
  readonly #stop = new AbortController()
  #links: ReadonlyMap<RepositoryId, Link> = new Map()
  /** By the forge and a digest of the token. */
  readonly #lanes = new Map<string, StatusLane>()
  #refreshing: Promise<void> | undefined
  /** The last refresh: up to `through` everything was sent or is pending. */
  #seen:
    | { readonly through: number; readonly linked: string; readonly dispatchers: string }
    | undefined
  /** Something was dropped for lack of room. */
  #hasMissed = false

  constructor(deps: StatusReporterDeps) {
    this.#deps = deps
  }

  /**
   * A pipeline of ours has changed. Never waits, never throws; if there is no room, a later refresh finds it.
   */
  onChange(pipeline: PipelineView): void {
    // Planning tells in a moment whether there is anything to report.
    if (!isBeingPlanned(pipeline)) this.#add(pipeline)
  }

  #add({ id, number, repositoryId, event }: PipelineView): void {
    const link = this.#links.get(repositoryId)
    if (!link) return
    const key = `${repositoryId} ${event.sha} ${statusContext(event)}`
    if (!link.lane.add(key, { id, number })) this.#hasMissed = true
  }

  /** How many statuses are to be sent. */
  get pending(): number {
    return [...this.#lanes.values()].reduce((sum, lane) => sum + lane.pending, 0)
  }

  /** Reads which repositories are linked, and what was not reported yet. Never rejects. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh()
      .catch((error: unknown) => {
        this.#hasMissed = true
        const reason = describeError(error)
        this.#deps.log.debug({ reason }, 'reading the unsent statuses failed')
      })
      .finally(() => {
        this.#refreshing = undefined
      })
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    const { store } = this.#deps
    const startedAt = Date.now()
    const links = await store.forgeLinks.list()
    if (this.#stop.signal.aborted) return
    // A rejected token doesn't change the link: what was rejected counts as reported.
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
    // What was dropped or rejected, or left behind by a lost dispatcher, may be of any age.
    const since = isAsBefore && !this.#hasMissed ? seen.through - MARGIN_MS : 0
    this.#hasMissed = false
    await this.#addUnsent(Math.max(since, startedAt - REPORTED_FOR_MS), startedAt)
    this.#seen = { through: startedAt, linked, dispatchers }
  }

  #link(links: readonly ForgeLinkRecord[]): void {
    this.#links = new Map(links.flatMap((link) => this.#open(link)))
    const inUse = new Set([...this.#links.values()].map(({ lane }) => lane))
    for (const [key, lane] of this.#lanes) {
      if (lane.isIdle && !inUse.has(lane)) this.#lanes.delete(key)
    }
  }

  /** In short ranges of creation time: an in-process database serves nobody else during a query. */
  async #addUnsent(since: number, until: number): Promise<void> {
    const { store, dispatcherId } = this.#deps
    for (let at = since; at <= until && !this.#stop.signal.aborted; at += RANGE_MS) {
      const isLast = at + RANGE_MS > until
      const found = await store.statuses.listUnsent({
        by: dispatcherId(),
        since: at,
        // Another dispatcher's clock may be ahead.
        ...present({ before: isLast ? undefined : at + RANGE_MS }),
        limit: MOST_AT_ONCE,
      })
      for (const pipeline of found) {
        if (!isBeingPlanned(pipeline) || pipeline.createdAt < until - LONG_PLANNING_MS) {
          this.#add(pipeline)
        }
      }
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
      this.#deps.log.error(facts, "opening a repository's token for statuses failed")
      return []
    }
  }

  #laneOf({ apiUrl }: ForgeLinkRecord, token: string): StatusLane {
    const key = `${apiUrl} ${createHash('sha256').update(token).digest('hex')}`
    const known = this.#lanes.get(key)
    if (known) return known
    const { log, firstPauseMs = FIRST_PAUSE_MS } = this.#deps
    const lane = new StatusLane({
      report: (id) => this.#report(id),
      onTrouble: (reason) => {
        if (reason === undefined) log.info({ forge: apiUrl }, 'the forge accepts statuses again')
        else log.warn({ forge: apiUrl, reason }, 'sending statuses failed: retrying')
      },
      signal: this.#stop.signal,
      firstPauseMs,
    })
    this.#lanes.set(key, lane)
    return lane
  }

  async #report(id: PipelineId): Promise<ReportResult> {
    const result = await this.#reportNewest(id).catch((error: unknown): ReportResult => {
      return { kind: 'retried', words: describeError(error) }
    })
    if (!this.#stop.signal.aborted) this.#deps.onResult(result.kind)
    return result
  }

  /** Rejects as the store does. */
  async #reportNewest(id: PipelineId): Promise<ReportResult> {
    const { store, publicUrl, log } = this.#deps
    const pipeline = await store.pipelines.findView(id)
    const link = pipeline && this.#links.get(pipeline.repositoryId)
    if (!link) return { kind: 'superseded' }
    const { number, repositoryId } = pipeline
    // Another process may have changed or removed it.
    const record = await store.forgeLinks.find(repositoryId)
    if (record?.token !== link.record.token) {
      void this.refresh()
      return { kind: 'superseded' }
    }
    const isSkipped = pipeline.outcome === 'skipped'
    const repository = isSkipped ? await store.repositories.find(repositoryId) : undefined
    const skippedIsOpen = repository?.skippedIsOpen
    const status = commitStatus(pipeline, { publicUrl, skippedIsOpen })
    const { sha, context, state } = status
    const known = await store.statuses.find({ repositoryId, sha, context })
    const isSent =
      known && (known.number > number || (known.number === number && known.state === state))
    // One that was sent before the plan was known has to be closed.
    const isNews = isTold(pipeline.reason, state) || known?.number === number
    if (isSent || !isNews) return { kind: 'superseded' }
    const result = await sendStatus(
      forgePort(record.forge).statusRequest(record, link.token, status),
      this.#deps.hosts ?? ANY_HOSTS,
      this.#stop.signal,
    )
    if (result.kind === 'retried') return result
    const error = result.kind === 'rejected' ? result.words : undefined
    const former = error && (await store.statuses.findLast(repositoryId))?.error
    const sent = {
      repositoryId,
      sha,
      context,
      pipelineId: id,
      number,
      state,
      ...present({ error }),
    }
    await store.transact((write) => write.statuses.note({ ...sent, sentAt: Date.now() }))
    const { isOfToken = false } = result.kind === 'rejected' ? result : {}
    if (isOfToken || link.isRefused) {
      link.isRefused = isOfToken
      const words = isOfToken ? error : undefined
      await noteForgeAnswer(this.#deps, record, { words, of: 'status' })
    }
    if (error !== undefined && !isOfToken && error !== former) {
      // What is refused for the same reason is said once, and on each pipeline's page.
      const facts = { repository: pipeline.repositoryName, sha, reason: error }
      log.warn(facts, 'the forge rejected a status')
    }
    return result
  }

  /** Leaves unsent statuses to the next start, or to another dispatcher. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#refreshing
    await Promise.all([...this.#lanes.values()].map((lane) => lane.settled()))
  }
}

/** Not if it waits for something, which takes a while. */
function isBeingPlanned({ status, reason }: PipelineView): boolean {
  return status === 'pending' && reason === undefined
}
