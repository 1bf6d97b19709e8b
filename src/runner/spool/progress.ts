import type { AttemptEvent } from '../../contract/attempt.ts'
import { chunkOf } from '../../contract/log-chunk.ts'

/** How far an attempt has come, by its events. */
export interface Progress {
  readonly isStarted: boolean
  /** How many of its steps have begun. */
  readonly begun: number
  /** Whether the last of them has not ended. */
  readonly isRunning: boolean
  readonly isFinished: boolean
}

export const NOTHING_YET: Progress = {
  isStarted: false,
  begun: 0,
  isRunning: false,
  isFinished: false,
}

export function advance(progress: Progress, event: AttemptEvent): Progress {
  switch (event.type) {
    case 'phase':
    case 'log':
      return progress
    case 'started':
      return { ...progress, isStarted: true }
    case 'step_started':
      return { ...progress, begun: event.step + 1, isRunning: true }
    case 'step_finished':
      return { ...progress, begun: Math.max(progress.begun, event.step + 1), isRunning: false }
    case 'finished':
      return { ...progress, isRunning: false, isFinished: true }
  }
}

export interface Interruption {
  readonly progress: Progress
  /** How many steps the job has. */
  readonly steps: number
  readonly instanceId: string
  readonly runnerName: string
  /** Whether the end of what was on the disk was damaged, and is left out. */
  readonly isDamaged: boolean
  /** When this was noticed, epoch milliseconds. */
  readonly at: number
}

/** The last words about an attempt whose process is gone, in the order in which it would have told them. */
export function closingEvents(interruption: Interruption): readonly AttemptEvent[] {
  const { progress, steps, instanceId, at } = interruption
  const events: AttemptEvent[] = []
  if (!progress.isStarted) events.push({ type: 'started', instanceId })
  const reason = `runner ${interruption.runnerName} was started anew while the job ran`
  const last = Math.max(0, progress.begun - 1)
  if (steps > 0) {
    const texts = [`${reason}: lines may be missing after this`]
    if (interruption.isDamaged)
      texts.unshift('the end of this log was damaged on the disk: it is cut off here')
    const lines = texts.map((text) => ({ at, stream: 'narwhal' as const, text }))
    events.push({ type: 'log', chunk: chunkOf(last, lines) })
  }
  if (progress.isRunning) {
    events.push({ type: 'step_finished', step: last, outcome: 'error', reason })
  }
  for (let step = progress.begun; step < steps; step++) {
    events.push({ type: 'step_finished', step, outcome: 'skipped' })
  }
  events.push({ type: 'finished', outcome: 'error', reason, fault: 'runner' })
  return events
}
