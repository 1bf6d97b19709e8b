import type { SpanDraft, TimedJob } from './waterfall.ts'

/** Durations are whole milliseconds, so that what follows something may seem to start before its end. */
const ROUNDING_MS = 2

/**
 * The jobs that decided when the pipeline ended: the one that ended last, before it the one of those
 * it needs that ended last, and so on. What goes on at `at` ends then.
 */
export function criticalJobs(jobs: readonly TimedJob[], at: number): TimedJob[] {
  const byName = new Map(jobs.map((job) => [job.name, job]))
  const path: TimedJob[] = []
  let last = lastToEnd(jobs, at)
  while (last && !path.includes(last)) {
    path.push(last)
    last = lastToEnd(needsOf(last, byName), at)
  }
  return path
}

/** Which spans of one attempt, back from its end, each had to wait for the one before. */
export function criticalSpans(spans: readonly SpanDraft[]): SpanDraft[] {
  const path: SpanDraft[] = []
  // Nothing waits for what runs beside the others.
  let rest = spans.filter(({ beside }) => !beside)
  let until = Number.POSITIVE_INFINITY
  for (;;) {
    rest = rest.filter((one) => one.startAt < until)
    const before = rest.filter((one) => endOf(one) <= until + ROUNDING_MS)
    // Where clocks were off they may overlap more than that: then whatever ended first came before.
    const next = maxBy(before, endOf) ?? maxBy(rest, (one) => -endOf(one))
    if (!next) return path
    path.push(next)
    until = next.startAt
  }
}

function needsOf(job: TimedJob, byName: ReadonlyMap<string, TimedJob>): TimedJob[] {
  const found = new Set<TimedJob>()
  const look = (names: readonly string[]): void => {
    for (const name of names) {
      const need = byName.get(name)
      if (!need || found.has(need)) continue
      found.add(need)
      // One that did not run took no time: what it needed itself may have.
      if (!hasRun(need)) look(need.needs)
    }
  }
  look(job.needs)
  return [...found]
}

function lastToEnd(jobs: readonly TimedJob[], at: number): TimedJob | undefined {
  return maxBy(jobs.filter(hasRun), (job) => job.finishedAt ?? at)
}

function hasRun(job: TimedJob): boolean {
  return job.attempts.length > 0 || job.status === 'queued'
}

function endOf(span: SpanDraft): number {
  return span.startAt + span.durationMs
}

/** The first of the largest. */
function maxBy<Item>(items: readonly Item[], size: (item: Item) => number): Item | undefined {
  let largest: Item | undefined
  for (const item of items) if (!largest || size(item) > size(largest)) largest = item
  return largest
}
