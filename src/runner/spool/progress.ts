import { chunkOf } from '../../contract/log/log-chunk.ts'
import type { AttemptEvent } from '../../core/attempt/attempt-event.ts'

/** How far an attempt has come, by its events. Its parts are steps and services, by their numbers. */
export interface Progress {
  readonly isStarted: boolean
  /** The part that began last; absent: none has. */
  readonly latest?: number | undefined
  /** Those that have begun and not ended. */
  readonly open: readonly number[]
  readonly ended: readonly number[]
  readonly isFinished: boolean
}

export const NOTHING_YET: Progress = { isStarted: false, open: [], ended: [], isFinished: false }

export function advance(progress: Progress, event: AttemptEvent): Progress {
  const without = (step: number) => progress.open.filter((one) => one !== step)
  switch (event.type) {
    case 'phase':
    case 'log':
      return progress
    case 'started':
      return { ...progress, isStarted: true }
    case 'step_started':
      return { ...progress, latest: event.step, open: [...without(event.step), event.step] }
    case 'step_finished': {
      const ended = [...progress.ended, event.step]
      return { ...progress, open: without(event.step), ended }
    }
    case 'finished':
      return { ...progress, open: [], isFinished: true }
  }
}

export interface Interruption {
  readonly progress: Progress
  /** How many parts the job has: steps, and services. */
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
  const last = progress.latest ?? 0
  if (steps > 0) {
    const texts = [`${reason}: lines may be missing after this`]
    if (interruption.isDamaged)
      texts.unshift('the end of this log was damaged on the disk: it is cut off here')
    const lines = texts.map((text) => ({ at, stream: 'narwhal' as const, text }))
    events.push({ type: 'log', chunk: chunkOf(last, lines) })
  }
  for (const step of progress.open) {
    events.push({ type: 'step_finished', step, outcome: 'error', reason })
  }
  for (let step = 0; step < steps; step++) {
    if (progress.open.includes(step) || progress.ended.includes(step)) continue
    events.push({ type: 'step_finished', step, outcome: 'skipped' })
  }
  events.push({ type: 'finished', outcome: 'error', reason, fault: 'runner' })
  return events
}
