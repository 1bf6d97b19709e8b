import type { LogLine } from '../../contract/rest/views.ts'
import type { LogChunk } from '../../core/attempt/log-chunk.ts'
import type { Redaction } from '../../core/attempt/redaction.ts'
import type { AttemptRef } from '../../core/ids.ts'

/** How much text of a log one read brings, roughly: a job may print endless lines. */
export const LOG_READ_CHARACTERS = 1024 * 1024

/** A chunk in its place. */
export interface StoredChunk extends LogChunk {
  /** The number of its first line. */
  readonly firstLine: number
}

/** Chunks to be appended to a log. */
export interface LogAppend extends AttemptRef {
  readonly fence: number
  /** The number of the runner's last event that is in them, or came with them. */
  readonly lastSeq: number
  /** What its runner has sent of it in all, in bytes of text; absent: as before. */
  readonly logBytes?: number
  /** The number of the first line of the first chunk; they follow one another. */
  readonly firstLine: number
  readonly chunks: readonly LogChunk[]
}

/** Logs of attempts, and how text is taken out of those that have shown what nobody should read. */
export interface LogReader {
  /**
   * Lines from `from` (counting from 0), at most `limit`; fewer at the end, and where those that
   * are returned have LOG_READ_CHARACTERS or more: then the next read goes on behind them.
   */
  read(log: AttemptRef, from: number, limit: number): Promise<LogLine[]>
  /**
   * Chunks of a log as they are stored, from the one with line `from` on: some of them, a few
   * megabytes at most; none at the end.
   */
  readChunks(log: AttemptRef, from: number): Promise<StoredChunk[]>
  /** What was taken out of a log, oldest first. */
  listRedactions(log: AttemptRef): Promise<readonly Redaction[]>
}

export interface LogWriter extends LogReader {
  /**
   * Appends chunks to an attempt's log, as they are, and notes the runner's sequence number and the
   * count of lines; rejects with `conflict` when the attempt's fence is another. Chunks must follow
   * without a hole, else it rejects with `conflict`; those that are there already are left out. It
   * does not change the job's version, and is no state change. Returns the chunks as they may be told: where
   * something was taken out of the log, what comes of that is stored without its text.
   */
  append(log: LogAppend): Promise<LogAppend['chunks']>
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
