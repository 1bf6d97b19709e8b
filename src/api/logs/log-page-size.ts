import type { LogLine } from '../../contract/rest/views.ts'
import { LOG_READ_CHARACTERS } from '../../store/ports/logs.ts'

/** Lines in the first read, when their length is unknown. */
export const FIRST_PAGE = 200
const WANTED_CHARACTERS = 512 * 1024

/** Whether a read of at most `limit` lines that returned these has reached the end of the log. */
export function isEndOfLog(lines: readonly LogLine[], limit: number): boolean {
  if (lines.length >= limit) return false
  let characters = 0
  for (const { text } of lines) characters += text.length
  return characters < LOG_READ_CHARACTERS
}

/**
 * The number of lines for the next read, after a read that returned these: many short ones, for speed,
 * or few long ones, to save memory.
 */
export function nextPageSize(lines: readonly LogLine[]): number {
  if (lines.length === 0) return FIRST_PAGE
  let characters = 0
  for (const { text } of lines) characters += text.length + 64
  const fitting = Math.floor((WANTED_CHARACTERS * lines.length) / characters)
  return Math.min(5_000, Math.max(20, fitting))
}
