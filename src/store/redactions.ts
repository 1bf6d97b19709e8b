import type { Redaction } from '../core/attempt/redaction.ts'
import type { AttemptRef } from '../core/ids.ts'

/** How text is taken out of logs that have shown what nobody should read. */

export interface RedactionReader {
  /** What was taken out of a log, oldest first. */
  findRedactions(log: AttemptRef): Promise<readonly Redaction[]>
}

export interface RedactionWriter {
  /**
   * From now on nothing of the text of these steps is stored; what is there stays until `redactSome` has
   * come to it. One of the same moment by the same person replaces the former.
   */
  addRedaction(log: AttemptRef, redaction: Redaction): Promise<void>
  /**
   * Takes the text of the redactions out of some of the log, from this line on; returns the line to go on with,
   * undefined at the end, which is a state change of the job. Lines keep their numbers: the first of a step says
   * what was done, the others are empty.
   */
  redactSome(log: AttemptRef, from: number): Promise<number | undefined>
}

export interface Wiping {
  /**
   * Sees to it that what was taken out is in no file of the database any more, as far as that is this process's to
   * say: false where readers hold older states, or another has to (PostgreSQL's own vacuum).
   */
  wipe(): Promise<boolean>
}
