import { setTimeout as sleep } from 'node:timers/promises'
import { systemDoer } from '../../core/audit/audit.ts'
import type { RunnerId } from '../../core/ids.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { RunnerLink } from './runner-link.ts'

/** How many attempts in a row may fail by the runner's own fault before it is quarantined. */
const MOST_FAILURES = 3
/** The time before the first and each further probe of a quarantined runner. */
const PROBE_AFTER_MS = 5_000

/**
 * Quarantines runners that fail every attempt, so that they don't drain the queue, and probes them until they
 * can run a step again. The counts are in the store: all dispatchers share them.
 */
export class RunnerFailures implements Disposable {
  readonly #recorder: Recorder
  readonly #log: Logger
  /** Known counts, so that a success is written only if it resets one. */
  readonly #known = new Map<RunnerId, number>()
  readonly #probing = new Set<RunnerLink>()
  readonly #stop = new AbortController()

  constructor(deps: { recorder: Recorder; log: Logger }) {
    this.#recorder = deps.recorder
    this.#log = deps.log
  }

  /** To be called when an attempt has ended, with the runner's own fault if there was one. */
  onEnd(link: RunnerLink, fault: string | undefined): void {
    if (fault === undefined && (this.#known.get(link.id) ?? 0) === 0) return
    this.#count(link, fault).catch((error: unknown) => {
      if (NarwhalError.from(error).code === 'cancelled') return
      this.#log.error({ err: error, runner: link.record.name }, 'counting a failure failed')
    })
  }

  /** To be called with the runner as stored; a quarantined one is probed. */
  watch(link: RunnerLink, { failures, asideReason }: Runner): void {
    this.#known.set(link.id, failures)
    if (asideReason === undefined || this.#probing.has(link)) return
    this.#probing.add(link)
    this.#probe(link)
      .catch((error: unknown) => {
        if (this.#stop.signal.aborted) return
        this.#log.error({ err: error, runner: link.record.name }, 'probing a runner failed')
      })
      .finally(() => this.#probing.delete(link))
  }

  async #count(link: RunnerLink, fault: string | undefined): Promise<void> {
    const failed = fault !== undefined
    const failures = await this.#recorder.record((write) =>
      write.runners.countFailure(link.id, failed),
    )
    this.#known.set(link.id, failures)
    if (!failed || failures < MOST_FAILURES) return
    const reason = `quarantined after ${failures} failures of its own in a row, the last: ${fault}`
    this.#log.error({ runner: link.record.name, reason }, 'runner quarantined')
    await this.#setAside(link, reason, failures)
    this.watch(link, { ...link.record, failures, asideReason: reason })
  }

  async #setAside(link: RunnerLink, asideReason: string | undefined, failures = 0): Promise<void> {
    await this.#recorder.record(async (write) => {
      await write.runners.setAside(link.id, asideReason)
      const subject = { id: link.id, name: link.record.name }
      // Without the reason: it is the runner's own text, which must stay deletable.
      if (asideReason === undefined) {
        const by = systemDoer('dispatcher', 'a probe of the runner that has passed')
        write.audit.add(by, { action: 'runner.taken_back', subject })
      } else {
        const by = systemDoer('dispatcher', 'attempts that failed by the fault of the runner')
        write.audit.add(by, { action: 'runner.set_aside', subject, after: { failures } })
      }
    })
    const { asideReason: _, ...desired } = link.desired
    await link.setDesired({ ...desired, ...present({ asideReason }) })
  }

  async #probe(link: RunnerLink): Promise<void> {
    const { signal } = this.#stop
    while (link.desired.asideReason !== undefined && !link.isClosed) {
      await sleep(PROBE_AFTER_MS, undefined, { signal })
      if (link.record.state === 'offline') continue
      const trouble = await link.client.probe().catch(describeError)
      if (trouble === '') {
        this.#log.info(
          { runner: link.record.name },
          'runner passed its probe: no longer quarantined',
        )
        await this.#setAside(link, undefined)
        this.#known.set(link.id, 0)
        return
      }
      this.#log.warn({ runner: link.record.name, reason: trouble }, 'runner failed its probe')
    }
  }

  [Symbol.dispose](): void {
    this.#stop.abort()
  }
}
