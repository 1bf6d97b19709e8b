import { every } from '../../lib/async/every.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { sizeOfMirror } from './mirror-room.ts'

const POLL_MS = 500

export interface SizeLimit {
  /** A bare repository, which may not exist yet. */
  readonly mirror: string
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/**
 * Fetches into a mirror with a signal that aborts when the mirror exceeds its limit: git has no such
 * limit. Then rejects with `too_large`, also if the fetch ended between two checks.
 */
export async function withinSize<Result>(
  { mirror, maxBytes, signal }: SizeLimit,
  fill: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  if (maxBytes === Number.POSITIVE_INFINITY) return await fill(signal)
  const full = new AbortController()
  const check = async (): Promise<void> => {
    if ((await sizeOfMirror(mirror)) > maxBytes) full.abort(tooLarge(maxBytes))
  }
  await using _polling = every(POLL_MS, check, (error) => full.abort(error))
  const result = await fill(AbortSignal.any([signal, full.signal]))
  await check()
  full.signal.throwIfAborted()
  return result
}

function tooLarge(maxBytes: number): NarwhalError {
  const most = Math.floor(maxBytes / 1024 / 1024)
  const message = `the repository exceeds the ${most} MiB limit for mirrors here: raise the runner's mirror-size, or make the repository smaller`
  return new NarwhalError('too_large', message)
}
