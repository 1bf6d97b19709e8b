import { chunkOf } from '../../contract/log/log-chunk.ts'
import type { AttemptEvent } from '../../core/attempt/attempt-event.ts'

/** The progress of an attempt, from its events. Its parts are steps and services, by index. */
export interface Progress {
  readonly isStarted: boolean
  /** The part that started last; absent: none has. */
  readonly latest?: number | undefined
  /** The parts that have started and not ended. */
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
  /** The number of the job's parts. */
  readonly steps: number
  readonly instanceId: string
  readonly runnerName: string
  /** Whether damaged records at the end were skipped. */
  readonly isDamaged: boolean
  /** When the interruption was noticed, epoch milliseconds. */
  readonly at: number
}

/** The last events of an attempt whose process has died, in the order in which it would have sent them. */
export function closingEvents(interruption: Interruption): readonly AttemptEvent[] {
  const { progress, steps, instanceId, at } = interruption
  const events: AttemptEvent[] = []
  if (!progress.isStarted) events.push({ type: 'started', instanceId })
  const reason = `runner ${interruption.runnerName} was restarted while the job was running`
  const last = progress.latest ?? 0
  if (steps > 0) {
    const texts = [`${reason}: lines may be missing after this`]
    if (interruption.isDamaged)
      texts.unshift("the end of this log was damaged on the runner's disk: it is cut off here")
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
