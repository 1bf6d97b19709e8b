import { NarwhalError } from '../../lib/errors.ts'
import { sizeOfMirror } from './mirror-room.ts'

const LOOK_MS = 500

export interface SizeLimit {
  /** A bare repository, which may not be there yet. */
  readonly mirror: string
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/**
 * Fetches into a mirror with a signal that is aborted when the mirror grows over its limit: git itself
 * knows none. Rejects with `too_large` then, also when it was done between two looks.
 */
export async function withinSize<Result>(
  { mirror, maxBytes, signal }: SizeLimit,
  fill: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  if (maxBytes === Number.POSITIVE_INFINITY) return await fill(signal)
  const full = new AbortController()
  const look = async (): Promise<void> => {
    if ((await sizeOfMirror(mirror)) > maxBytes) full.abort(tooLarge(maxBytes))
  }
  const timer = setInterval(() => void look(), LOOK_MS)
  try {
    const result = await fill(AbortSignal.any([signal, full.signal]))
    await look()
    full.signal.throwIfAborted()
    return result
  } finally {
    clearInterval(timer)
  }
}

function tooLarge(maxBytes: number): NarwhalError {
  const most = Math.floor(maxBytes / 1024 / 1024)
  const words = `the repository takes more than the ${most} MiB that mirrors may take here: raise mirror-size at the runner, or make it smaller`
  return new NarwhalError('too_large', words)
}
