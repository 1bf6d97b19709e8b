import { withGrace } from './with-grace.ts'

/**
 * Awaits work for at most `ms` milliseconds, then rejects with `reason`. The work itself continues and its
 * result is ignored; to stop it, abort its own signal.
 */
export function within<Result>(ms: number, work: Promise<Result>, reason: Error): Promise<Result> {
  return withGrace(work, AbortSignal.abort(reason), ms)
}
