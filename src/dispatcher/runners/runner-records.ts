import type { DispatcherId, RunnerId } from '../../core/ids.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { RunnerLink } from './runner-link.ts'

interface Written {
  /** Everything but what changes constantly; `lastSeenAt` by the hour. */
  readonly text: string
  readonly busy: number
  /** Set while a write of the busy slots is pending. */
  timer?: NodeJS.Timeout
}

/** The serial writes about one link. */
interface Line {
  readonly queue: SerialQueue
  /** A write that has not begun: it will write what is current then. */
  next?: Promise<void> | undefined
}

export interface RunnerRecordsDeps {
  readonly recorder: Pick<Recorder, 'record'>
  readonly log: Logger
  readonly dispatcherId: () => DispatcherId
}

const BUSY_MS = 1_000
const HOUR_MS = 3_600_000

/**
 * Writes changes of runners to the store: at once, but busy slots, which change with every job, at most once
 * a second, and `lastSeenAt` once an hour, or an idle runner would count as lost after a start. Writes about
 * one runner are serial: of two concurrent ones the older could win, and a stale "offline" would stay.
 */
export class RunnerRecords {
  readonly #deps: RunnerRecordsDeps
  readonly #written = new Map<RunnerId, Written>()
  readonly #lines = new WeakMap<RunnerLink, Line>()

  constructor(deps: RunnerRecordsDeps) {
    this.#deps = deps
  }

  onChange(link: RunnerLink): void {
    const { lastSeenAt = 0, busy, ...rest } = link.record
    const text = JSON.stringify({ ...rest, seenInHour: Math.floor(lastSeenAt / HOUR_MS) })
    const written = this.#written.get(link.id)
    if (written?.text === text && written.busy === busy) return
    if (written?.text !== text) {
      clearTimeout(written?.timer)
      this.#written.set(link.id, { text, busy })
      this.#save(link)
    } else if (!written.timer) {
      written.timer = setTimeout(() => {
        this.#written.set(link.id, { text, busy: link.record.busy })
        this.#save(link)
      }, BUSY_MS).unref()
    }
  }

  /** Resolves when the runner's present record is written. */
  async write(link: RunnerLink): Promise<void> {
    const line = this.#lines.get(link) ?? { queue: new SerialQueue() }
    this.#lines.set(link, line)
    line.next ??= line.queue.run(async () => {
      line.next = undefined
      const { recorder, dispatcherId } = this.#deps
      await recorder.record((write) => write.runners.note(link.record, dispatcherId()))
    })
    await line.next
  }

  drop(link: RunnerLink): void {
    clearTimeout(this.#written.get(link.id)?.timer)
    this.#written.delete(link.id)
  }

  #save(link: RunnerLink): void {
    this.write(link).catch((error: unknown) => {
      if (NarwhalError.from(error).code === 'cancelled') return
      this.#deps.log.error({ err: error, runner: link.record.name }, 'saving a runner failed')
    })
  }
}
