import { type DatabaseRoom, describeShortage, type RoomRules } from '../../core/database-room.ts'
import { EventHub } from '../../lib/async/event-hub.ts'
import { keepDoing } from '../../lib/async/keep-doing.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Store } from '../../store/store.ts'

/** A disk tells nobody that it fills: it has to be asked. */
const LOOK_MS = 5_000

export interface DatabaseGuardDeps {
  readonly store: Pick<Store, 'room'>
  readonly rules: RoomRules
  readonly log: Logger
  /** Milliseconds between two looks; 5,000 unless told. */
  readonly everyMs?: number
}

/**
 * Knows whether the database has room for what another job would bring. While it has not, no new one
 * starts, and what runs goes on: the reserve is for that.
 */
export class DatabaseGuard implements AsyncDisposable {
  readonly #deps: DatabaseGuardDeps
  readonly #changes = new EventHub<undefined>(() => {})
  readonly #looking: AsyncDisposable
  #room: DatabaseRoom | undefined
  #shortage: string | undefined

  constructor(deps: DatabaseGuardDeps) {
    this.#deps = deps
    const { log, everyMs = LOOK_MS } = deps
    this.#looking = keepDoing({
      everyMs,
      work: () => this.#look(),
      // A database that is away says so itself, to all who write.
      onError: (error) =>
        log.debug({ reason: describeError(error) }, 'the room of the database is not known'),
    })
  }

  /** Why no job may start, in words; undefined while they may. */
  get shortage(): string | undefined {
    return this.#shortage
  }

  /** As it was at the last look. */
  get room(): DatabaseRoom | undefined {
    return this.#room
  }

  /** Calls the listener when jobs may start again, or may not any more. */
  onChange(listener: () => void): Disposable {
    return this.#changes.listen(listener)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#looking[Symbol.asyncDispose]()
  }

  async #look(): Promise<void> {
    const { store, rules } = this.#deps
    this.#room = await store.room()
    this.#set(describeShortage(this.#room, rules))
  }

  #set(shortage: string | undefined): void {
    const isChange = (shortage === undefined) !== (this.#shortage === undefined)
    this.#shortage = shortage
    if (!isChange) return
    const { log } = this.#deps
    if (shortage === undefined) log.info('the database has room again: jobs start')
    else log.warn({ reason: shortage }, 'no new jobs start')
    this.#changes.emit(undefined)
  }
}
