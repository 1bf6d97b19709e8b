import { type ChunkLine, chunkOf } from '../../contract/log/log-chunk.ts'
import type { NumberedEvent } from '../../core/attempt/attempt-event.ts'

const LOST = 'lines are missing here: this log was damaged on the disk of the runner'

/**
 * The events on disk that are not log chunks, a few for each step. They are also kept in memory, so
 * that a damaged file loses log lines only.
 */
export class Milestones {
  #events: NumberedEvent[]
  /** The last step that started before them. */
  #step = 0

  constructor(events: readonly NumberedEvent[] = []) {
    this.#events = [...events]
  }

  /** Adds those that are milestones. */
  add(events: readonly NumberedEvent[]): void {
    for (const event of events) if (event.event.type !== 'log') this.#events.push(event)
  }

  forget(throughSeq: number): void {
    if ((this.#events[0]?.seq ?? Infinity) > throughSeq) return
    this.#step = this.#stepAt(throughSeq)
    this.#events = this.#events.filter(({ seq }) => seq > throughSeq)
  }

  /** What is still known of a range of events; its first log event says that lines are missing. */
  replaceLost(afterSeq: number, throughSeq: number): NumberedEvent[] {
    const kept = new Map(this.#events.map((event) => [event.seq, event]))
    const events: NumberedEvent[] = []
    const at = Date.now()
    let step = this.#stepAt(afterSeq)
    let lines: ChunkLine[] = [{ at, stream: 'narwhal', text: LOST }]
    for (let seq = afterSeq + 1; seq <= throughSeq; seq++) {
      const milestone = kept.get(seq)
      if (milestone?.event.type === 'step_started') step = milestone.event.step
      events.push(milestone ?? { seq, at, event: { type: 'log', chunk: chunkOf(step, lines) } })
      if (!milestone) lines = []
    }
    return events
  }

  #stepAt(throughSeq: number): number {
    for (const { seq, event } of this.#events.toReversed()) {
      if (seq <= throughSeq && event.type === 'step_started') return event.step
    }
    return this.#step
  }
}
