import { type DatabaseRoom, describeShortage, type RoomRules } from '../../core/database-room.ts'
import { EventHub } from '../../lib/async/event-hub.ts'
import { keepDoing } from '../../lib/async/keep-doing.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Uses } from '../../store/store.ts'

/** Disks don't notify: free space has to be polled. */
const POLL_MS = 5_000

export interface DatabaseGuardDeps {
  readonly store: Uses<'room'>
  readonly rules: RoomRules
  readonly log: Logger
  /** The polling interval in milliseconds; 5,000 by default. */
  readonly everyMs?: number
}

/**
 * Polls whether the database has room for another job. While it has not, no new job starts; running jobs
 * continue, on the reserve.
 */
export class DatabaseGuard implements AsyncDisposable {
  readonly #deps: DatabaseGuardDeps
  readonly #changes = new EventHub<undefined>(() => {})
  readonly #polling: AsyncDisposable
  #room: DatabaseRoom | undefined
  #shortage: string | undefined

  constructor(deps: DatabaseGuardDeps) {
    this.#deps = deps
    const { log, everyMs = POLL_MS } = deps
    this.#polling = keepDoing({
      everyMs,
      work: () => this.#poll(),
      // Writers log an unavailable database themselves.
      onError: (error) =>
        log.debug({ reason: describeError(error) }, "reading the database's free space failed"),
    })
  }

  /** Why no job may start, as a message; undefined while jobs may. */
  get shortage(): string | undefined {
    return this.#shortage
  }

  /** As of the last poll. */
  get room(): DatabaseRoom | undefined {
    return this.#room
  }

  /** Calls the listener when jobs may start again, or no longer. */
  onChange(listener: () => void): Disposable {
    return this.#changes.listen(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#polling[Symbol.asyncDispose]()
  }

  async #poll(): Promise<void> {
    const { store, rules } = this.#deps
    this.#room = await store.room()
    this.#set(describeShortage(this.#room, rules))
  }

  #set(shortage: string | undefined): void {
    const isChange = (shortage === undefined) !== (this.#shortage === undefined)
    this.#shortage = shortage
    if (!isChange) return
    const { log } = this.#deps
    if (shortage === undefined) log.info('database has room again: jobs start')
    else log.warn({ reason: shortage }, 'database short of space: no new jobs start')
    this.#changes.emit(undefined)
  }
}
