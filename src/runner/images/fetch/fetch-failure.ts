import { describeError, NarwhalError } from '../../../lib/errors.ts'
import { withoutCredentials } from '../../../lib/without-credentials.ts'

/**
 * Why fetching failed: `denied` for what doesn't exist or may not be read, which no retry changes; `passing`
 * for a registry or a network with trouble; `limited` by the registry; `full` disk; `other`.
 */
export type FetchFailure = 'denied' | 'passing' | 'limited' | 'full' | 'other'

const WORDS: readonly (readonly [FetchFailure, RegExp])[] = [
  ['full', /no space left on device|disk quota exceeded/i],
  ['limited', /toomanyrequests|too many requests|\b429\b/i],
  [
    'denied',
    /unauthorized|authentication required|access to the resource is denied|\bdenied\b|manifest unknown|name unknown|name invalid|\bnot found\b|\b40[134]\b/i,
  ],
  [
    'passing',
    /\b5\d\d\b|unexpected eof|\beof\b|connection (?:reset|refused)|broken pipe|time-?out|timed out|no route|temporary failure|tls handshake|server misbehaving|unexpected http status/i,
  ],
]

/** What skopeo's words say. */
export class FetchError extends NarwhalError {
  readonly failure: FetchFailure

  constructor(failure: FetchFailure, message: string) {
    super('unavailable', message)
    this.failure = failure
  }
}

/** The error in skopeo's last words; undefined if it had none. */
export function fetchErrorOf(stderr: string): FetchError | undefined {
  const last = stderr.split('\n').findLast((line) => line.includes('level=fatal')) ?? stderr
  const quoted = /\bmsg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1]
  const words = (quoted?.replaceAll(/\\(.)/g, '$1') ?? last).trim()
  // Before anything is left out of them.
  const failure = WORDS.find(([, pattern]) => pattern.test(words))?.[0] ?? 'other'
  const shown = withoutCredentials(words).slice(0, 1000)
  return words === '' ? undefined : new FetchError(failure, `skopeo: ${shown}`)
}

export function failureOf(reason: unknown): FetchFailure {
  if (reason instanceof FetchError) return reason.failure
  const words = describeError(reason)
  return WORDS.find(([, pattern]) => pattern.test(words))?.[0] ?? 'other'
}

/** The same for an image that is not there and one that may not be read: which it is is nobody's business. */
export function notReadable(reference: string): NarwhalError {
  const words = `image ${reference} can't be pulled: it does not exist, or this job's login for the registry may not read it`
  return new NarwhalError('not_found', words)
}
