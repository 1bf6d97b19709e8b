import { chunkOf } from '../../src/contract/log/log-chunk.ts'
import type { LogLine } from '../../src/contract/rest/views.ts'
import type { LogChunk } from '../../src/core/attempt/log-chunk.ts'
import type { LogAppend } from '../../src/store/ports/logs.ts'

/** Lines as a runner sends them: in chunks of one step each, and of a few lines. */
export function logAppend(
  log: Pick<LogAppend, 'jobId' | 'attempt' | 'fence' | 'lastSeq'>,
  lines: readonly LogLine[],
): LogAppend {
  const chunks: LogChunk[] = []
  for (let start = 0; start < lines.length; ) {
    const step = lines[start]?.step ?? 0
    let end = start
    let characters = 0
    while (end < lines.length && end < start + 1000 && characters < 256 * 1024) {
      if (lines[end]?.step !== step) break
      characters += lines[end++]?.text.length ?? 0
    }
    chunks.push(chunkOf(step, lines.slice(start, end)))
    start = end
  }
  return { ...log, firstLine: lines[0]?.number ?? 0, chunks }
}
