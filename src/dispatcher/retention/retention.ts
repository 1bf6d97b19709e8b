import type { PipelineId } from '../../core/ids.ts'
import { type AgedPipeline, type KeepRules, newSieve } from '../../core/keeping.ts'
import { keepDoing } from '../../lib/async/keep-doing.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { AgedPlace, RepositoryRules } from '../../store/ports/retention.ts'
import type { Store } from '../../store/store.ts'
import { type Removed, Remover } from './remover.ts'
import { Steps } from './retention-step.ts'

const EVERY_MS = 3_600_000
/** So many pipelines are looked at in one step. */
const PAGE = 500
/** What belonged to a repository that was removed goes so long after it. */
export const REMOVED_GRACE_MS = 7 * 86_400_000
/** Of so many things that went it is known that they did. */
const KNOWN_REMOVALS = 200_000

export interface RetentionDeps {
  readonly store: Store
  readonly log: Logger
  /** For all repositories that have no rule of their own. */
  readonly rules: KeepRules
  /** Whether this process is the one that removes, where there are several. */
  readonly isOurs?: () => Promise<boolean>
  readonly isBusy?: () => boolean
  readonly now?: () => number
  readonly everyMs?: number
}

export interface Round extends Removed {
  readonly startedAt: number
  readonly endedAt: number
}

const nothing = (): Removed => ({ pipelines: 0, logs: 0, bytes: 0, repositories: 0, failed: 0 })

/**
 * Removes what is older than it is to be kept, in the background, in steps of some milliseconds with a
 * rest behind each: a round takes its time and is in nobody's way. What can't be removed is set aside
 * until the next round, and counted.
 */
export class Retention implements AsyncDisposable {
  readonly #deps: RetentionDeps
  readonly #stop = new AbortController()
  readonly #going: AsyncDisposable
  readonly steps: Steps
  readonly total = nothing()
  lastRound: Round | undefined

  constructor(deps: RetentionDeps) {
    this.#deps = deps
    this.steps = new Steps({ signal: this.#stop.signal, isBusy: deps.isBusy })
    const { log, everyMs = EVERY_MS, isOurs } = deps
    this.#going = keepDoing({
      everyMs,
      // What has just started has other things to do.
      firstMs: everyMs,
      work: async () => {
        if ((await isOurs?.()) ?? true) await this.round()
      },
      onError: (error) =>
        log.warn({ reason: describeError(error) }, 'old things could not be removed'),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#going[Symbol.asyncDispose]()
  }

  /** Looks at everything once; undefined while nothing may go yet. Rejects when the database is away. */
  async round(): Promise<Round | undefined> {
    const { store, log, now = Date.now } = this.#deps
    const startedAt = now()
    if (startedAt < (await store.retention.begins())) return undefined
    const removed = nothing()
    for (const repository of await store.retention.listRules()) {
      const remover = new Remover({ store, log, steps: this.steps, repository, at: startedAt })
      await this.#sweep(repository, remover, startedAt)
      await remover.note()
      for (const key of keysOf(removed)) removed[key] += remover.removed[key]
    }
    const forget = () => store.transact((write) => write.retention.forgetRemovals(KNOWN_REMOVALS))
    while ((await this.steps.take(forget)).result > 0);
    while (await this.steps.take(() => store.giveBack()));
    this.lastRound = { ...removed, startedAt, endedAt: now() }
    for (const key of keysOf(removed)) this.total[key] += removed[key]
    if (keysOf(removed).some((key) => removed[key] > 0)) {
      log.info({ ...removed }, 'old things were removed')
    }
    return this.lastRound
  }

  async #sweep(repository: RepositoryRules, remover: Remover, at: number): Promise<void> {
    const { removedAt } = repository
    if (removedAt !== undefined) {
      if (removedAt > at - REMOVED_GRACE_MS) return
      const held = await this.#deps.store.retention.listHeld(repository.id, at)
      await this.#eachAged(repository, async (id) => {
        if (!held.has(id)) await remover.removePipeline(id, 'a removed repository')
      })
      await remover.sweepRows()
      return
    }
    const rules = rulesOf(repository, this.#deps.rules)
    if (rules.logs === 'forever' && rules.pipelines === 'forever') return
    const held = await this.#deps.store.retention.listHeld(repository.id, at)
    const sieve = newSieve(rules, at, held)
    await this.#eachAged(repository, async (id, pipeline) => {
      const what = sieve(pipeline)
      if (what === 'logs') await remover.removeLogs(id, rules.logs)
      if (what === 'pipeline') await remover.removePipeline(id, rules.pipelines)
    })
  }

  /** Newest first: a rerun before what it is a rerun of. */
  async #eachAged(
    { id }: RepositoryRules,
    visit: (id: PipelineId, pipeline: AgedPipeline) => Promise<void>,
  ): Promise<void> {
    const { store } = this.#deps
    for (let after: AgedPlace | undefined; ; ) {
      const place = after ? { after } : {}
      const page = await this.steps.take(() =>
        store.retention.listAged(id, { ...place, limit: PAGE }),
      )
      for (const pipeline of page) await visit(pipeline.id, pipeline)
      after = page.at(-1)
      if (page.length < PAGE) return
    }
  }
}

/** A repository's own rules, and for the rest those of all. */
export function rulesOf({ logs, pipelines }: RepositoryRules, all: KeepRules): KeepRules {
  return { logs: logs ?? all.logs, pipelines: pipelines ?? all.pipelines }
}

function keysOf(removed: Removed): (keyof Removed)[] {
  return Object.keys(removed) as (keyof Removed)[]
}
