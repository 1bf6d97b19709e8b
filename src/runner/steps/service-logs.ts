import { setTimeout as sleep } from 'node:timers/promises'
import type { JobSpec } from '../../core/plan/plan.ts'
import type { ServiceEvent } from '../executor/executor.ts'
import type { JobLog } from '../log/job-log.ts'
import type { EventSpool } from '../spool/event-spool.ts'
import { HeldLog } from './held-log.ts'
import type { End } from './run-step.ts'

/** What a service printed just before the last step ended may still be in flight; milliseconds. */
const SILENCE_MS = 20
const LONGEST_MS = 200

interface Service {
  /** Its index among the parts of the job. */
  readonly part: number
  readonly log: HeldLog
  isStarted: boolean
  end: End | undefined
}

/** Reports a job's services as parts that follow its steps: their start, log and end. */
export class ServiceLogs {
  readonly #events: EventSpool
  readonly #log: JobLog
  readonly #services: readonly Service[]
  #outputAt = 0
  #isOver = false

  /** Each log may take `maxBytes` of memory. */
  constructor(
    { steps, services = [] }: JobSpec,
    { events, log }: { readonly events: EventSpool; readonly log: JobLog },
    maxBytes: number,
  ) {
    this.#events = events
    this.#log = log
    this.#services = services.map((_, index): Service => {
      const part = steps.length + index
      return {
        part,
        log: new HeldLog(part, maxBytes, events.mask),
        isStarted: false,
        end: undefined,
      }
    })
  }

  readonly onEvent = (index: number, event: ServiceEvent): void | Promise<void> => {
    const service = this.#services[index]
    // An opening that was given up may continue for a while.
    if (!service || this.#isOver) return undefined
    switch (event.type) {
      case 'started':
        service.isStarted = true
        this.#events.append({ type: 'step_started', step: service.part })
        return undefined
      case 'output':
        this.#outputAt = performance.now()
        return service.log.write(event.stream, event.chunk)
      case 'failed':
        service.end ??= { outcome: 'error', reason: event.reason }
        return undefined
      case 'ended': {
        const { exitCode, note } = event.exit
        const reason = `it exited on its own with exit code ${exitCode}${note ? `: ${note}` : ''}`
        service.end ??= { outcome: exitCode === 0 ? 'success' : 'failure', exitCode, reason }
        return undefined
      }
    }
  }

  /** The steps are over: reports the rest. A service that still runs has succeeded. */
  async finish(): Promise<void> {
    if (this.#services.length === 0) return
    const deadline = performance.now() + LONGEST_MS
    do await sleep(SILENCE_MS)
    while (performance.now() - this.#outputAt < SILENCE_MS && performance.now() < deadline)
    this.#isOver = true
    for (const { part, log, isStarted, end } of this.#services) {
      const ended: End = end ?? { outcome: isStarted ? 'success' : 'skipped' }
      if (ended.reason !== undefined) log.say(ended.reason)
      await log.release(this.#log)
      this.#events.append({ type: 'step_finished', step: part, ...ended })
    }
  }
}
