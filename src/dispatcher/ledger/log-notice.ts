import type { LogAppended, LogGrew } from '../../contract/live/live-event.ts'
import { linesOf } from '../../contract/log/log-chunk.ts'
import type { LogLine } from '../../contract/rest/views.ts'
import type { LogAppend } from '../../store/ports/logs.ts'

/** Nobody can follow more by eye: the rest is read from the store. */
const MOST_LINES = 500
const MOST_BYTES = 32 * 1024

/** The event for stored lines: it contains a few, but of many only their number. */
export function logNotice({ jobId, attempt, firstLine, chunks }: LogAppend): LogAppended | LogGrew {
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
