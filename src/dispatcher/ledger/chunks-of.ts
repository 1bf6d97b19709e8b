import { chunkOf } from '../../contract/log/log-chunk.ts'
import type { Progress } from '../../core/attempt/add-progress.ts'
import type { LogChunk } from '../../core/attempt/log-chunk.ts'
import { bytesInWords } from '../../core/attempt/log-limit.ts'

/** The chunks to be stored, with a line at the point where the rest of the log is dropped. */
export function chunksOf({ chunks, cutOff }: Progress, logBytes: number): readonly LogChunk[] {
  if (!cutOff) return chunks
  const { step, at } = cutOff
  const limit = `a log may have ${bytesInWords(logBytes)} (--log-size)`
  const text = `the rest of this log was dropped: ${limit}, and its runner sent more`
  return [...chunks, chunkOf(step, [{ at, stream: 'narwhal', text }])]
}
