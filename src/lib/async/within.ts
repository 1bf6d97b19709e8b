import { withGrace } from './with-grace.ts'

/**
 * Waits at most `ms` milliseconds for work; then rejects with `reason`, and the work goes on unheard: what it
 * is to end by is its own signal.
 */
export function within<Result>(ms: number, work: Promise<Result>, reason: Error): Promise<Result> {
  return withGrace(work, AbortSignal.abort(reason), ms)
}
