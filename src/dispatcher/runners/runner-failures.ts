import { setTimeout as sleep } from 'node:timers/promises'
import { systemDoer } from '../../core/audit/audit.ts'
import type { RunnerId } from '../../core/ids.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { RunnerLink } from './runner-link.ts'

/** So many attempts in a row that failed by the runner's own fault, and it gets no more. */
const MOST_FAILURES = 3
/** How long a runner that is set aside waits for its first probe and for each further one. */
const PROBE_AFTER_MS = 5_000

/**
 * Sets runners aside that fail whatever they are given, so that they do not eat the queue, and
 * probes those until they can run a step again. The counts are in the store: all dispatchers add to
 * the same one.
 */
export class RunnerFailures implements Disposable {
  readonly #recorder: Recorder
  readonly #log: Logger
  /** How many are known of, so that an attempt that went well is written only when it matters. */
  readonly #known = new Map<RunnerId, number>()
  readonly #probing = new Set<RunnerLink>()
  readonly #stop = new AbortController()

  constructor(deps: { recorder: Recorder; log: Logger }) {
    this.#recorder = deps.recorder
    this.#log = deps.log
  }

  /** Notes how an attempt has ended: `fault` says why, when that was the runner's own. */
  note(link: RunnerLink, fault: string | undefined): void {
    if (fault === undefined && (this.#known.get(link.id) ?? 0) === 0) return
    this.#count(link, fault).catch((error: unknown) => {
      if (NarwhalError.from(error).code === 'cancelled') return
      this.#log.error({ err: error, runner: link.record.name }, 'a failure was not counted')
    })
  }

  /** Takes note of what the store says; a runner that is set aside is probed. */
  watch(link: RunnerLink, { failures, asideReason }: Runner): void {
    this.#known.set(link.id, failures)
    if (asideReason === undefined || this.#probing.has(link)) return
    this.#probing.add(link)
    this.#probe(link)
      .catch((error: unknown) => {
        if (this.#stop.signal.aborted) return
        this.#log.error({ err: error, runner: link.record.name }, 'probing has failed')
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
    const reason = `set aside after ${failures} failures of its own in a row, the last: ${fault}`
    this.#log.error({ runner: link.record.name, reason }, 'runner set aside')
    await this.#setAside(link, reason, failures)
    this.watch(link, { ...link.record, failures, asideReason: reason })
  }

  async #setAside(link: RunnerLink, asideReason: string | undefined, failures = 0): Promise<void> {
    await this.#recorder.record(async (write) => {
      await write.runners.setAside(link.id, asideReason)
      const subject = { id: link.id, name: link.record.name }
      // The reason is the runner's own text: it is told elsewhere, where it can be forgotten.
      if (asideReason === undefined) {
        const by = systemDoer('dispatcher', 'a probe of the runner that has passed')
        write.audit.add(by, { action: 'runner.taken_back', subject })
      } else {
        const by = systemDoer('dispatcher', 'attempts that failed by the fault of the runner')
        write.audit.add(by, { action: 'runner.set_aside', subject, after: { failures } })
      }
    })
    const { asideReason: _, ...wishes } = link.wishes
    await link.wish({ ...wishes, ...present({ asideReason }) })
  }

  async #probe(link: RunnerLink): Promise<void> {
    const { signal } = this.#stop
    while (link.wishes.asideReason !== undefined && !link.isClosed) {
      await sleep(PROBE_AFTER_MS, undefined, { signal })
      if (link.record.state === 'offline') continue
      const trouble = await link.client.probe().catch(describeError)
      if (trouble === '') {
        this.#log.info({ runner: link.record.name }, 'runner passed its probe and is back')
        await this.#setAside(link, undefined)
        this.#known.set(link.id, 0)
        return
      }
      this.#log.warn({ runner: link.record.name, reason: trouble }, 'runner did not pass its probe')
    }
  }

  [Symbol.dispose](): void {
    this.#stop.abort()
  }
}
