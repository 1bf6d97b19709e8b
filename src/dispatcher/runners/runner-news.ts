import type { DispatcherId, RunnerId } from '../../core/ids.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { RunnerLink } from './runner-link.ts'

interface Written {
  /** All but what changes all the time; of when it was seen, the hour. */
  readonly news: string
  readonly busy: number
  /** Set while the number of busy slots is to be written. */
  later?: NodeJS.Timeout
}

/** The writes about one link, one after the other. */
interface Line {
  readonly queue: SerialQueue
  /** A write that has not begun: it will write what is known then. */
  next?: Promise<void> | undefined
}

const BUSY_MS = 1_000
const HOUR_MS = 3_600_000

/**
 * Writes what is new about runners: at once, but busy slots, which change with every job, at most
 * once a second, and when it was seen last, once an hour, or a start would take a runner that has been
 * idle for lost. One write about a runner at a time: of two at once, the former could come last, and
 * an old "offline" would stand until something else changes.
 */
export class RunnerNews {
  readonly #recorder: Pick<Recorder, 'record'>
  readonly #log: Logger
  readonly #dispatcherId: () => DispatcherId
  readonly #written = new Map<RunnerId, Written>()
  readonly #lines = new WeakMap<RunnerLink, Line>()

  constructor(deps: {
    recorder: Pick<Recorder, 'record'>
    log: Logger
    dispatcherId: () => DispatcherId
  }) {
    this.#recorder = deps.recorder
    this.#log = deps.log
    this.#dispatcherId = deps.dispatcherId
  }

  note(link: RunnerLink): void {
    const { lastSeenAt = 0, busy, ...rest } = link.record
    const news = JSON.stringify({ ...rest, seenInHour: Math.floor(lastSeenAt / HOUR_MS) })
    const written = this.#written.get(link.id)
    if (written?.news === news && written.busy === busy) return
    if (written?.news !== news) {
      clearTimeout(written?.later)
      this.#written.set(link.id, { news, busy })
      this.#save(link)
    } else if (!written.later) {
      written.later = setTimeout(() => {
        this.#written.set(link.id, { news, busy: link.record.busy })
        this.#save(link)
      }, BUSY_MS).unref()
    }
  }

  /** Resolves when what is known of the runner now is written. */
  async write(link: RunnerLink): Promise<void> {
    const line = this.#lines.get(link) ?? { queue: new SerialQueue() }
    this.#lines.set(link, line)
    line.next ??= line.queue.run(async () => {
      line.next = undefined
      await this.#recorder.record((write) => write.runners.note(link.record, this.#dispatcherId()))
    })
    await line.next
  }

  forget(link: RunnerLink): void {
    clearTimeout(this.#written.get(link.id)?.later)
    this.#written.delete(link.id)
  }

  #save(link: RunnerLink): void {
    this.write(link).catch((error: unknown) => {
      if (NarwhalError.from(error).code === 'cancelled') return
      this.#log.error({ err: error, runner: link.record.name }, 'runner not saved')
    })
  }
}
