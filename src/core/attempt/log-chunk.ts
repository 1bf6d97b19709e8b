import { LOG_PART_BYTES } from './log-limit.ts'

/**
 * Lines of one step, packed by the runner. They are sent, spooled and stored as these very bytes, and
 * unpacked only to be read.
 */
export interface LogChunk {
  readonly step: number
  /** At most MOST_CHUNK_LINES; 0 in place of lines that were lost. */
  readonly lineCount: number
  /** Bytes of the unpacked content; at most MOST_CHUNK_BYTES. */
  readonly size: number
  readonly packing: 'plain' | 'zstd'
  /** See `contract/log/log-content.ts`. */
  readonly content: Uint8Array
  /** To be added to the times in the content; 0 if the runner's clock counts. */
  readonly clockOffsetMs: number
}

/** A chunk is unpacked as a whole, so its size is bounded. */
export const MOST_CHUNK_LINES = 10_000
export const MOST_CHUNK_BYTES = 2 * 1024 * 1024

/** What a chunk counts toward the limit of a log. */
export function costOf({ size }: Pick<LogChunk, 'size'>): number {
  return size + LOG_PART_BYTES
}
