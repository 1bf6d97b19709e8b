import { setTimeout as sleep } from 'node:timers/promises'
import { type DatabaseRoom, describeShortage, type RoomRules } from '../../core/database-room.ts'
import { EventHub } from '../../lib/async/event-hub.ts'
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
  readonly #stop = new AbortController()
  readonly #looking: Promise<void>
  #room: DatabaseRoom | undefined
  #shortage: string | undefined

  constructor(deps: DatabaseGuardDeps) {
    this.#deps = deps
    this.#looking = this.#look()
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
    this.#stop.abort()
    await this.#looking
  }

  async #look(): Promise<void> {
    const { store, rules, log, everyMs = LOOK_MS } = this.#deps
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        this.#room = await store.room()
        this.#set(describeShortage(this.#room, rules))
      } catch (error) {
        // A database that is away says so itself, to all who write.
        log.debug({ reason: describeError(error) }, 'the room of the database is not known')
      }
      await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {})
    }
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
