import type { LogLine } from '../../contract/rest/views.ts'
import { LOG_READ_CHARACTERS } from '../../store/ports/logs.ts'

/** How many lines are read first, when nothing is known of them. */
export const FIRST_PAGE = 200
const WANTED_CHARACTERS = 512 * 1024

/** Whether a read that asked for `limit` lines and brought these has come to the end of the log. */
export function isEndOfLog(lines: readonly LogLine[], limit: number): boolean {
  if (lines.length >= limit) return false
  let characters = 0
  for (const { text } of lines) characters += text.length
  return characters < LOG_READ_CHARACTERS
}

/**
 * How many lines the next read should bring, after a read that brought these: many short ones, so
 * that long logs go fast, and few long ones, so that they stay small in memory.
 */
export function nextPageSize(lines: readonly LogLine[]): number {
  if (lines.length === 0) return FIRST_PAGE
  let characters = 0
  for (const { text } of lines) characters += text.length + 64
  const fitting = Math.floor((WANTED_CHARACTERS * lines.length) / characters)
  return Math.min(5_000, Math.max(20, fitting))
}
