import { pino } from 'pino'
import type { Logger } from '../../src/lib/log.ts'

/** A logger of all levels that keeps its lines, as JSON text. */
export function recordedLog(): { readonly log: Logger; readonly lines: readonly string[] } {
  const lines: string[] = []
  return { log: pino({ level: 'trace' }, { write: (line) => void lines.push(line) }), lines }
}
