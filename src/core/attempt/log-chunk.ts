import { LOG_PART_BYTES } from './log-limit.ts'

/**
 * Lines of one step, as the runner packed them. They travel, are spooled and are stored as these very
 * bytes; they become lines only for those who look at them.
 */
export interface LogChunk {
  readonly step: number
  /** At most MOST_CHUNK_LINES; 0 in place of lines that were lost on the way. */
  readonly lineCount: number
  /** Bytes of the content once it is unpacked; at most MOST_CHUNK_BYTES. */
  readonly size: number
  readonly packing: 'plain' | 'zstd'
  /** See `contract/log/log-content.ts`. */
  readonly content: Uint8Array
  /** What must be added to the times in the content; 0 where the runner's clock counts. */
  readonly clockOffsetMs: number
}

/** A chunk is unpacked as a whole, so it has no more lines and bytes than these. */
export const MOST_CHUNK_LINES = 10_000
export const MOST_CHUNK_BYTES = 2 * 1024 * 1024

/** What a chunk counts of the bytes that a log may have. */
export function costOf({ size }: Pick<LogChunk, 'size'>): number {
  return size + LOG_PART_BYTES
}
