import type { LogAppended, LogGrew } from '../../contract/live/live-event.ts'
import { linesOf } from '../../contract/log/log-chunk.ts'
import type { LogLine } from '../../contract/rest/views.ts'
import type { LogAppend } from '../../store/ports/logs.ts'

/** More than a person follows with the eye: whoever wants it reads it from the store. */
const MOST_LINES = 500
const MOST_BYTES = 32 * 1024

/** What is told of lines that were stored: a few go along, of many only that they are there. */
export function toldOf({ jobId, attempt, firstLine, chunks }: LogAppend): LogAppended | LogGrew {
  let count = 0
  let bytes = 0
  for (const { lineCount, size } of chunks) {
    count += lineCount
    bytes += size
  }
  if (count > MOST_LINES || bytes > MOST_BYTES) {
    return { type: 'log.grew', jobId, attempt, lines: firstLine + count }
  }
  const lines: LogLine[] = []
  for (const chunk of chunks) {
    for (const line of linesOf(chunk)) {
      lines.push({ number: firstLine + lines.length, step: chunk.step, ...line })
    }
  }
  return { type: 'log.appended', jobId, attempt, lines }
}
