import { setTimeout as sleep } from 'node:timers/promises'
import { Counter } from '@prometheus-io/client'
import { findCommit, LOOKS_AT_MS } from '../../core/delivery/commit-lookup.ts'
import { decideTrust } from '../../core/stranger/stranger.ts'
import type { Metrics } from '../../http/metrics.ts'
import { describeError } from '../../lib/errors.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import type { Logger } from '../../lib/log.ts'
import type { LookupRecord } from '../../store/delivery-records.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'
import type { Vault } from '../../vault/vault.ts'
import type { Intake } from '../intake.ts'
import type { NewEvent } from '../webhook/write-deliveries.ts'
import { lookAtServer } from './look.ts'

/** How often the lookups of other agents are checked: one may have been killed. */
const SAFETY_MS = 5_000
/** For one look; afterwards another agent may look. */
const CLAIM_MS = 20_000
const LOOK_MS = 15_000
const MAX_CONCURRENT = 8
/** The webhooks of one move arrive within this time. */
const LATELY_MS = 60_000
/** A git server that doesn't answer is asked with back-off, for an hour. */
const MAX_BACKOFF_MS = 60_000
const GIVE_UP_MS = 3_600_000

export interface LookupsDeps {
  readonly store: Uses<'lookups' | 'repositories' | 'heads' | 'transact'>
  readonly intake: Pick<Intake, 'endLookup'>
  readonly vault: Vault
  readonly gitEnv: GitEnv
  readonly metrics: Metrics
  readonly log: Logger
  /** Between checks for the lookups of other agents. */
  readonly safetyMs?: number
}

/**
 * Looks up the commits of webhooks that don't name them, at the git server. The store has what is to be looked
 * up, so it survives the agent; of several agents, the one that has moved a lookup's time looks, and another one
 * does once that has passed.
 */
export class Lookups {
  readonly #deps: LookupsDeps
  readonly #safetyMs: number
  readonly #ended: Counter<'result'>
  readonly #running = new Set<Promise<void>>()
  #wake = new AbortController()

  constructor(deps: LookupsDeps) {
    this.#deps = deps
    this.#safetyMs = deps.safetyMs ?? SAFETY_MS
    this.#ended = new Counter({
      name: 'narwhal_lookups_total',
      help: 'Webhooks whose commit was looked up at the git server, by result.',
      labelNames: ['result'],
      registers: [deps.metrics],
    })
  }

  /** There is something new to look up. */
  wake(): void {
    this.#wake.abort()
  }

  /** Looks until aborted; each iteration waits until a lookup is due, for a wake-up or for the abort. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#wake.signal.aborted) this.#wake = new AbortController()
      let pauseMs = this.#safetyMs
      try {
        await this.#startDue(signal)
        pauseMs = await this.#pauseMs()
      } catch (error) {
        this.#deps.log.warn({ reason: describeError(error) }, 'looking up commits failed: retrying')
      }
      const either = AbortSignal.any([signal, this.#wake.signal])
      await sleep(pauseMs, undefined, { signal: either }).catch(() => undefined)
    }
    await Promise.all(this.#running)
  }

  async #pauseMs(): Promise<number> {
    // Whoever ends wakes this up.
    if (this.#running.size >= MAX_CONCURRENT) return this.#safetyMs
    const dueAt = await this.#deps.store.lookups.nextDueAt()
    if (dueAt === undefined) return this.#safetyMs
    return Math.min(this.#safetyMs, Math.max(0, dueAt - Date.now()))
  }

  async #startDue(signal: AbortSignal): Promise<void> {
    const room = MAX_CONCURRENT - this.#running.size
    if (room <= 0) return
    for (const lookup of await this.#deps.store.lookups.listDue(Date.now(), room)) {
      const claimed = await this.#claim(lookup)
      if (!claimed) continue
      const looking = this.#look(claimed, signal)
        .catch((error: unknown) => {
          if (signal.aborted) return
          this.#deps.log.warn({ reason: describeError(error) }, 'a lookup failed: retrying')
        })
        .finally(() => {
          this.#running.delete(looking)
          this.wake()
        })
      this.#running.add(looking)
    }
  }

  async #claim(lookup: LookupRecord): Promise<LookupRecord | undefined> {
    const claimed = { ...lookup, dueAt: Date.now() + CLAIM_MS }
    return (await this.#update(lookup, claimed)) ? claimed : undefined
  }

  async #update(from: LookupRecord, to: LookupRecord): Promise<boolean> {
    const { result } = await this.#deps.store.transact((write) => write.lookups.update(from, to))
    return result
  }

  async #look(lookup: LookupRecord, signal: AbortSignal): Promise<void> {
    const { store, vault, gitEnv: env } = this.#deps
    const repository = await store.repositories.find(lookup.repositoryId)
    if (!repository) return await this.#lose(lookup, 'the repository was removed')
    const both = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)])
    try {
      const seen = await lookAtServer(repository, lookup, { vault, env, signal: both })
      await this.#decide(lookup, repository, seen)
    } catch (error) {
      if (!signal.aborted) await this.#retry(lookup, describeError(error))
    }
  }

  async #decide(
    lookup: LookupRecord,
    repository: RepositoryRecord,
    seen: Awaited<ReturnType<typeof lookAtServer>>,
  ): Promise<void> {
    const [{ ref } = { ref: '' }] = lookup.events
    const { sha: known, toldAt = 0 } = (await this.#deps.store.heads.find(repository.id, ref)) ?? {}
    const { looks } = lookup
    const isToldLately = toldAt > lookup.receivedAt - LATELY_MS
    const look = { lookup: lookup.lookup, ref, seen, known, isToldLately, looks }
    const finding = findCommit(look)
    if (finding.kind === 'lost') return await this.#lose(lookup, finding.reason)
    if (finding.kind === 'again') {
      const dueAt = lookup.receivedAt + (LOOKS_AT_MS[looks + 1] ?? 0)
      await this.#update(lookup, { ...lookup, looks: looks + 1, dueAt })
      return
    }
    const { sha, isAtRef } = finding
    const refIsAt = isAtRef ? undefined : (seen.ref?.commit ?? '')
    const events = lookup.events.map((event) => eventOf(event, sha, repository))
    const status = await this.#deps.intake.endLookup(lookup, { events, refIsAt })
    if (status !== undefined) this.#ended.inc({ result: status })
  }

  async #retry(lookup: LookupRecord, reason: string): Promise<void> {
    const { log } = this.#deps
    const failures = lookup.failures + 1
    const dueAt = Date.now() + Math.min(MAX_BACKOFF_MS, 500 * 2 ** failures)
    const facts = { repository: lookup.repositoryId, delivery: lookup.deliveryId, reason }
    if (failures === 1) log.warn(facts, 'looking up a commit failed: retrying')
    if (dueAt < lookup.receivedAt + GIVE_UP_MS) {
      await this.#update(lookup, { ...lookup, failures, dueAt })
    } else {
      await this.#lose(lookup, reason)
    }
  }

  async #lose(lookup: LookupRecord, why: string): Promise<void> {
    const { intake, log } = this.#deps
    const reason = `its commit was not found: ${why}`
    const status = await intake.endLookup(lookup, { reason })
    if (status === undefined) return
    this.#ended.inc({ result: status })
    const facts = { repository: lookup.repositoryId, delivery: lookup.deliveryId, reason: why }
    log.warn(facts, 'the commit of a webhook was not found')
  }
}

function eventOf(
  { facts, ...event }: LookupRecord['events'][number],
  sha: string,
  repository: RepositoryRecord,
): NewEvent {
  const told = { ...event, source: 'webhook' } as const
  const trust = decideTrust(told, facts, repository)
  return { ...told, sha, repositoryId: repository.id, trust }
}
