import type { SpanDraft, TimedJob } from './waterfall.ts'

/** Durations are rounded to milliseconds, so a successor may seem to start before its predecessor ends. */
const ROUNDING_MS = 2

/**
 * The jobs that determined when the pipeline ended: the last one to end, before it the last of its needs to
 * end, and so on. A job that runs at `at` counts as ending then.
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

/** The chain of spans of one attempt, from its end backwards, that each had to wait for the previous one. */
export function criticalSpans(spans: readonly SpanDraft[]): SpanDraft[] {
  const path: SpanDraft[] = []
  // Nothing waits for concurrent steps.
  let rest = spans.filter(({ beside }) => !beside)
  let until = Number.POSITIVE_INFINITY
  for (;;) {
    rest = rest.filter((one) => one.startAt < until)
    const before = rest.filter((one) => endOf(one) <= until + ROUNDING_MS)
    // With skewed clocks they may overlap more than that: then the one that ended first comes before.
    const next = maxBy(before, endOf) ?? maxBy(rest, (one) => -endOf(one))
    if (!next) return path
    path.push(next)
    until = next.startAt
  }
}

function needsOf(job: TimedJob, byName: ReadonlyMap<string, TimedJob>): TimedJob[] {
  const found = new Set<TimedJob>()
  const visit = (names: readonly string[]): void => {
    for (const name of names) {
      const need = byName.get(name)
      if (!need || found.has(need)) continue
      found.add(need)
      // One that did not run took no time, but its own needs may have.
      if (!hasRun(need)) visit(need.needs)
    }
  }
  visit(job.needs)
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

function maxBy<Item>(items: readonly Item[], size: (item: Item) => number): Item | undefined {
  let largest: Item | undefined
  for (const item of items) if (!largest || size(item) > size(largest)) largest = item
  return largest
}
