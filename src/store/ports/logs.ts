import type { LogLine } from '../../contract/rest/views.ts'
import type { LogChunk } from '../../core/attempt/log-chunk.ts'
import type { Redaction } from '../../core/attempt/redaction.ts'
import type { AttemptRef } from '../../core/ids.ts'

/** About how much text of a log one read returns: lines may be very long. */
export const LOG_READ_CHARACTERS = 1024 * 1024

/** A chunk and its position in the log. */
export interface StoredChunk extends LogChunk {
  /** The number of its first line. */
  readonly firstLine: number
}

/** Chunks to be appended to a log. */
export interface LogAppend extends AttemptRef {
  readonly fence: number
  /** The sequence number of the runner's last event in, or sent with, these chunks. */
  readonly lastSeq: number
  /** Bytes of text that the runner has sent in total; absent: unchanged. */
  readonly logBytes?: number
  /** The number of the first line of the first chunk; the chunks are contiguous. */
  readonly firstLine: number
  readonly chunks: readonly LogChunk[]
}

/** Logs of attempts, and the redaction of text that should not have been logged. */
export interface LogReader {
  /**
   * At most `limit` lines starting at `from` (0-based); fewer at the end of the log, and after
   * LOG_READ_CHARACTERS, where the next read continues.
   */
  read(log: AttemptRef, from: number, limit: number): Promise<LogLine[]>
  /**
   * Stored chunks of a log, starting with the one that contains line `from`, at most a few megabytes
   * at a time; none at the end.
   */
  readChunks(log: AttemptRef, from: number): Promise<StoredChunk[]>
  /** The redactions of a log, oldest first. */
  listRedactions(log: AttemptRef): Promise<readonly Redaction[]>
}

export interface LogWriter extends LogReader {
  /**
   * Appends chunks to an attempt's log and updates the runner's sequence number and the count of lines.
   * Rejects with `conflict` if the attempt has another fence or the chunks would leave a gap; lines that
   * are already stored are skipped. Does not change the job's version and is no state change. Returns
   * the chunks as they may be published: those of redacted steps without their text.
   */
  append(log: LogAppend): Promise<LogAppend['chunks']>
  /**
   * From now on no text of these steps is stored; existing text remains until `redactSome` has reached
   * it. Replaces a redaction of the same time by the same person.
   */
  addRedaction(log: AttemptRef, redaction: Redaction): Promise<void>
  /**
   * Removes redacted text from a part of the log, starting at this line; returns the line to continue
   * with, or undefined at the end, which is a state change of the job. Line numbers stay the same: the
   * first line of a step says that it was redacted, the others are empty.
   */
  redactSome(log: AttemptRef, from: number): Promise<number | undefined>
}
