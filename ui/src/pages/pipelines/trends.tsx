import { useState } from 'react'
import type { TrendPoint } from '../../../../src/contract/rest/rest-insights.ts'
import { formatDuration } from '../../format.ts'
import { Plot } from '../../plot/plot.tsx'

/** Pipelines that a success rate is computed over. */
const WINDOW = 10

/** Durations of pipelines, jobs and steps, success rate, and waiting times. */
export function Trends({ points }: { readonly points: readonly TrendPoint[] }) {
  const names = [...new Set(points.flatMap(({ jobs }) => jobs.map(({ name }) => name)))]
  const [job, setJob] = useState('')
  if (points.length === 0) {
    return (
      <section className="empty">
        <h2>No trends yet</h2>
        <p>Trends appear once pipelines have finished.</p>
      </section>
    )
  }
  const numbers = points.map(({ number }) => number)
  const durations = points.map(({ durationMs }) => durationMs)
  const rate = points.map((_, index) =>
    rateOf(points.slice(Math.max(0, index + 1 - WINDOW), index + 1)),
  )
  const waits = points.map(({ jobs }) => worst(jobs.map(({ queueMs }) => queueMs)))
  const plot = { times: numbers, isByTime: false, height: 180 }
  return (
    <>
      <div className="plots">
        <div className="panel">
          <Plot
            {...plot}
            label="Pipeline duration"
            summary={`median ${formatDuration(middle(durations))}`}
            lines={[{ name: 'Duration', values: durations }]}
            format={formatDuration}
          />
        </div>
        <div className="panel">
          <Plot
            {...plot}
            label="Success rate"
            summary={`${Math.round(100 * (rate.at(-1) ?? 0))}% of the last ${Math.min(WINDOW, points.length)} passed`}
            lines={[{ name: 'Success rate', values: rate }]}
            format={(share) => `${Math.round(100 * share)}%`}
            most={1}
          />
        </div>
        <div className="panel">
          <Plot
            {...plot}
            label="Longest wait for a runner"
            summary={`median ${formatDuration(middle(waits.filter((one) => one !== null)))}`}
            lines={[{ name: 'Wait', values: waits }]}
            format={formatDuration}
          />
        </div>
        <div className="panel">
          <Plot
            {...plot}
            label={job ? `Steps of ${job}` : 'Job durations'}
            summary=""
            lines={job ? stepLines(points, job) : jobLines(points, names)}
            format={formatDuration}
          />
        </div>
      </div>
      <p className="plot-choice">
        <label>
          Show durations of{' '}
          <select value={job} onChange={(event) => setJob(event.target.value)}>
            <option value="">all jobs</option>
            {names.map((name) => (
              <option key={name} value={name}>
                steps of {name}
              </option>
            ))}
          </select>
        </label>
      </p>
    </>
  )
}

function jobLines(points: readonly TrendPoint[], names: readonly string[]) {
  return names.slice(0, 5).map((name) => ({
    name,
    values: points.map(({ jobs }) => jobs.find((one) => one.name === name)?.durationMs ?? null),
  }))
}

function stepLines(points: readonly TrendPoint[], job: string) {
  const of = points.map(({ jobs }) => jobs.find(({ name }) => name === job)?.steps ?? [])
  const names = [...new Set(of.flatMap((steps) => steps.map(({ name }) => name)))]
  return names.slice(0, 5).map((name) => ({
    name,
    values: of.map((steps) => steps.find((step) => step.name === name)?.durationMs ?? null),
  }))
}

function rateOf(points: readonly TrendPoint[]): number {
  return points.filter(({ outcome }) => outcome === 'success').length / Math.max(1, points.length)
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

function worst(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((one) => one !== undefined)
  return known.length > 0 ? Math.max(...known) : null
}
