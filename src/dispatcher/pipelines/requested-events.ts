import { saysMissing } from '../../contract/rpc/missing-commit.ts'
import type { PlanOrder } from '../../contract/rpc/planned-commit.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { EventAction } from '../../core/event-actions.ts'
import type { EventId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { RunnerPool } from '../runners/runner-pool.ts'
import { isPassing, type PlannedOnRunner, planBy } from './plan-pipeline.ts'

export interface RequestedEventsDeps {
  readonly recorder: Recorder
  readonly pool: Pick<RunnerPool, 'findPlanner'>
  /** Undefined: the repository was removed. */
  readonly planOrder: (event: CommitEvent) => Promise<PlanOrder | undefined>
  /** Creates the pipeline of an event that the file asks for. */
  readonly create: (
    event: CommitEvent,
    plan: PlannedOnRunner,
    part: EventAction | undefined,
  ) => Promise<void>
  readonly log: Logger
  /** Aborts when the dispatcher stops. */
  readonly signal: AbortSignal
}

/** How many are planned concurrently; the agents' sweep requeues the others. */
const MOST_AT_ONCE = 32
/** For how long the git server may not have the commit of an event, in milliseconds. */
const MISSING_MS = 3_600_000

/**
 * Events that are only built on request (see `isOnRequest`): each is planned before it has a pipeline, and
 * removed if nothing in narwhal.yml is for it. Until then it is pending, so that the agents' sweep requeues
 * it if no runner is online or this process ends; one whose commit the git server still doesn't have after an
 * hour is removed as well.
 */
export class RequestedEvents {
  readonly #deps: RequestedEventsDeps
  readonly #planned = new Set<EventId>()

  constructor(deps: RequestedEventsDeps) {
    this.#deps = deps
  }

  /** Doesn't wait: planning may fetch the commit. Never throws. */
  receive(event: CommitEvent): void {
    if (this.#planned.has(event.id) || this.#planned.size >= MOST_AT_ONCE) return
    this.#planned.add(event.id)
    const { log, signal } = this.#deps
    this.#plan(event)
      .catch((err: unknown) => {
        if (signal.aborted) return
        if (isMissing(err, event)) {
          log.info(
            { event: event.id, reason: err.message },
            'event not planned yet: its commit is not at the git server',
          )
        } else log.warn({ event: event.id, err }, 'planning an event failed')
      })
      .finally(() => this.#planned.delete(event.id))
  }

  async #plan(event: CommitEvent): Promise<void> {
    const { recorder, pool, planOrder, create, signal, log } = this.#deps
    const order = await recorder.retryWhileUnavailable(() => planOrder(event))
    const link = order && pool.findPlanner()
    if (!link) return
    const plan = await planBy(link, order, signal).catch((reason: unknown) => {
      const error = NarwhalError.from(reason)
      const isOver = isMissing(error, event) && Date.now() - event.receivedAt >= MISSING_MS
      if (isPassing(error) && !isOver) throw error
      return error
    })
    const why = plan instanceof NarwhalError ? plan.message : whyNot(event, plan.planned.file)
    if (plan instanceof NarwhalError || why !== undefined) {
      await recorder.record((write) => write.events.drop(event.id, why ?? ''), event.repositoryId)
      log.debug({ event: event.id, reason: why }, 'event dropped')
      return
    }
    const [action] = event.details?.actions ?? []
    const { file } = plan.planned
    const isPart = file.ok && file.plan.selection === 'part'
    await create(event, plan, isPart ? action : undefined)
  }
}

function isMissing(reason: unknown, { sha }: CommitEvent): reason is NarwhalError {
  return reason instanceof NarwhalError && saysMissing(reason.message, sha)
}

/** Why the event gets no pipeline. Errors in the file are shown by those that the commit itself brought. */
function whyNot(
  { kind, details }: CommitEvent,
  file: PlannedOnRunner['planned']['file'],
): string | undefined {
  if (!file.ok) return 'narwhal.yml has problems'
  // Runners of earlier versions don't say: they would run what every pull request runs.
  const { selection = 'nothing' } = file.plan
  if (selection !== 'nothing') return undefined
  const { actions = [] } = details ?? {}
  const what = kind === 'pull_request' ? `pull_request, ${actions.join(' and ')}` : kind
  return `nothing in narwhal.yml runs for it (${what})`
}
