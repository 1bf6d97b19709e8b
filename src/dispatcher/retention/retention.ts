import type { PipelineId } from '../../core/ids.ts'
import { type AgedPipeline, type KeepRules, newSieve } from '../../core/keeping.ts'
import { keepDoing } from '../../lib/async/keep-doing.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import type { AgedPlace, RepositoryRules } from '../../store/ports/retention.ts'
import type { Uses } from '../../store/store.ts'
import { type Removed, Remover } from './remover.ts'
import { Steps } from './retention-step.ts'

const EVERY_MS = 3_600_000
/** How many pipelines one step checks. */
const PAGE = 500
/** How long after a removed repository its data is deleted. */
export const REMOVED_GRACE_MS = 7 * 86_400_000
/** How many records of deletions are kept. */
const KNOWN_REMOVALS = 200_000

export interface RetentionDeps {
  readonly store: Uses<'retention' | 'transact' | 'giveBack'>
  readonly log: Logger
  /** For repositories without rules of their own. */
  readonly rules: KeepRules
  /** Whether this process is the one that deletes, if there are several. */
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
 * Deletes what has exceeded its retention, in the background, in steps of a few milliseconds with a pause
 * after each, so that others are not delayed. What can't be deleted is counted, and retried in the next
 * round.
 */
export class Retention implements AsyncDisposable {
  readonly #deps: RetentionDeps
  readonly #stop = new AbortController()
  readonly #rounds: AsyncDisposable
  readonly steps: Steps
  readonly total = nothing()
  lastRound: Round | undefined

  constructor(deps: RetentionDeps) {
    this.#deps = deps
    this.steps = new Steps({ signal: this.#stop.signal, isBusy: deps.isBusy })
    const { log, everyMs = EVERY_MS, isOurs } = deps
    this.#rounds = keepDoing({
      everyMs,
      // Not during start-up.
      firstMs: everyMs,
      work: async () => {
        if ((await isOurs?.()) ?? true) await this.round()
      },
      onError: (error) => log.warn({ reason: describeError(error) }, 'retention round failed'),
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#rounds[Symbol.asyncDispose]()
  }

  /**
   * Checks everything once; undefined while nothing may be deleted yet. Rejects if the database is
   * unavailable.
   */
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
      log.info({ ...removed }, 'retention: deleted old pipelines and logs')
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

  /** Newest first: a rerun before its original. */
  async #eachAged(
    { id }: RepositoryRules,
    visit: (id: PipelineId, pipeline: AgedPipeline) => Promise<void>,
  ): Promise<void> {
    const { store } = this.#deps
    for (let after: AgedPlace | undefined; ; ) {
      const page = await this.steps.take(() =>
        store.retention.listAged(id, { ...present({ after }), limit: PAGE }),
      )
      for (const pipeline of page) await visit(pipeline.id, pipeline)
      after = page.at(-1)
      if (page.length < PAGE) return
    }
  }
}

/** A repository's own rules, with the given ones as defaults. */
export function rulesOf({ logs, pipelines }: RepositoryRules, all: KeepRules): KeepRules {
  return { logs: logs ?? all.logs, pipelines: pipelines ?? all.pipelines }
}

function keysOf(removed: Removed): (keyof Removed)[] {
  return Object.keys(removed) as (keyof Removed)[]
}
