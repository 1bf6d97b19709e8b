import { createCipheriv } from 'node:crypto'
import { chunkOf, linesOf } from '../../src/contract/log/log-chunk.ts'
import type { AttemptEvent, NumberedEvent } from '../../src/core/attempt/attempt-event.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { AttemptFacts } from '../../src/runner/spool/attempt-files.ts'
import type { EventSpool } from '../../src/runner/spool/event-spool.ts'
import { type SpoolLimits, Spools } from '../../src/runner/spool/spools.ts'

/** Facts of a made-up attempt of a job with three steps. */
export const FACTS: AttemptFacts = {
  jobId: 'job_spool',
  attempt: 1,
  fence: 7,
  steps: 3,
  instanceId: 'instance_former',
}

export function openSpools(folder: string, limits: Partial<SpoolLimits> = {}): Promise<Spools> {
  return Spools.open(folder, { log: silentLog(), runnerName: 'one' }, limits)
}

/** Text of about this size however well it is compressed, the same for the same seed. */
export function unpackable(bytes: number, seed = 0): string {
  const key = Buffer.alloc(16)
  key.writeDoubleLE(seed)
  const noise = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes))
  return noise.toString('base64')
}

/** An event with `count` lines, numbered from `first`, of about `bytes` bytes in total. */
export function logOf(first: number, count: number, bytes: number): AttemptEvent {
  const lines = Array.from({ length: count }, (_, index) => ({
    at: 1_700_000_000_000 + first + index,
    stream: 'stdout' as const,
    text: `${first + index} ${unpackable(Math.ceil(bytes / count), first + index)}`,
  }))
  return { type: 'log', chunk: chunkOf(0, lines) }
}

/** Reads to the end, in order, as a stream does. */
export async function readAll(spool: EventSpool, afterSeq = 0): Promise<NumberedEvent[]> {
  const events: NumberedEvent[] = []
  let seq = afterSeq
  for (;;) {
    const next = await spool.next(seq)
    if (!next) return events
    seq = next.seq
    events.push(next)
  }
}

/** The events as texts: `log 0: first line|second`, `step_finished 1 error`, `finished error runner`. */
export function wordsOf(events: readonly NumberedEvent[]): string[] {
  return events.map(({ event }) => {
    switch (event.type) {
      case 'log':
        return `log ${event.chunk.step}: ${linesOf(event.chunk)
          .map(({ text }) => text)
          .join('|')}`
      case 'step_started':
        return `step_started ${event.step}`
      case 'step_finished':
        return `step_finished ${event.step} ${event.outcome}`
      case 'finished':
        return `finished ${event.outcome} ${event.fault ?? ''}`.trim()
      case 'started':
      case 'phase':
        return event.type
    }
  })
}
