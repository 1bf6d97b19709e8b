import type { PauseGate } from './pause-gate.ts'

export interface EndOrder {
  /** When it aborts, the step is asked to end. */
  readonly asked: AbortSignal
  /** When it has aborted as well, or the sandbox is closed, nothing is waited for. */
  readonly atOnce: AbortSignal | undefined
  readonly closing: AbortSignal
  readonly gate: PauseGate
  /** How long the step may take to end after it was asked to, in milliseconds; 0: it isn't asked. */
  readonly graceMs: number
  /** Asks it, until the signal aborts: then it has ended, or must. Called at most once. */
  readonly ask: (over: AbortSignal) => void
}

/** Aborts when a step must have ended. To be disposed of when it has. */
export interface LastMoment extends Disposable {
  readonly signal: AbortSignal
}

/**
 * The moment at which a step is killed: some time after it was asked to end, but at once if it is paused, and so
 * can't do anything.
 */
export function lastMoment(order: EndOrder): LastMoment {
  const { asked, atOnce, closing, gate, graceMs, ask } = order
  const late = new AbortController()
  const over = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const end = (): void => {
    if (!asked.aborted) return
    over.abort()
    late.abort(asked.reason)
  }
  const onAsked = (): void => {
    if (graceMs === 0 || gate.period.aborted || atOnce?.aborted || closing.aborted) return end()
    timer = setTimeout(end, graceMs)
    ask(over.signal)
  }
  asked.addEventListener('abort', onAsked, { once: true })
  atOnce?.addEventListener('abort', end)
  if (asked.aborted) onAsked()
  return {
    signal: AbortSignal.any([late.signal, closing]),
    [Symbol.dispose]: () => {
      clearTimeout(timer)
      over.abort()
      asked.removeEventListener('abort', onAsked)
      atOnce?.removeEventListener('abort', end)
    },
  }
}

/** How long to wait between two rounds of asking, in milliseconds: the first is soon over for most steps. */
const FIRST_ROUND_MS = 50
const LONGEST_ROUND_MS = 500

/** The times to wait between rounds of asking. */
export function* roundsMs(): Generator<number, never> {
  for (let ms = FIRST_ROUND_MS; ; ms = Math.min(2 * ms, LONGEST_ROUND_MS)) yield ms
}
