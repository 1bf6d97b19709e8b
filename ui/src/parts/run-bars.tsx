import type { RunView } from '../../../src/contract/rest/rest-insights.ts'
import { formatDuration } from '../format.ts'
import { STATUS_WORDS, statusOf } from '../state/status.ts'

export interface RunBarsProps {
  /** Newest first. */
  readonly runs: readonly RunView[]
  /** How many bars fit. */
  readonly places: number
}

const HEIGHT = 32
const PITCH = 8

/** The latest runs, the newest on the right: height by duration, colour by outcome. */
export function RunBars({ runs, places }: RunBarsProps) {
  const shown = runs.slice(0, places).toReversed()
  const longest = Math.max(1, ...shown.map(tookOf))
  const width = places * PITCH
  return (
    <svg
      className="run-bars"
      viewBox={`0 0 ${width} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={describe(runs)}
    >
      {shown.map((run, index) => {
        const height = Math.max(3, (tookOf(run) / longest) * HEIGHT)
        const x = (places - shown.length + index) * PITCH
        return (
          <rect
            key={run.id}
            className={`bar s-${statusOf(run)}`}
            x={x}
            y={HEIGHT - height}
            width={PITCH - 2}
            height={height}
          >
            <title>{`#${run.number} ${STATUS_WORDS[statusOf(run)]}, ${formatDuration(tookOf(run))}`}</title>
          </rect>
        )
      })}
    </svg>
  )
}

/** From start to end; 0 while running, since a growing bar would rescale the others. */
function tookOf({ startedAt, finishedAt }: RunView): number {
  return startedAt !== undefined && finishedAt !== undefined ? finishedAt - startedAt : 0
}

function describe(runs: readonly RunView[]): string {
  const ended = runs.filter(({ outcome }) => outcome !== undefined)
  const good = ended.filter(({ outcome }) => outcome === 'success').length
  return `${good} of the last ${ended.length} succeeded`
}

/** The median duration of successful runs; undefined if there are none. */
export function typicalMs(runs: readonly RunView[]): number | undefined {
  const times = runs
    .filter(({ outcome }) => outcome === 'success')
    .map(tookOf)
    .toSorted((a, b) => a - b)
  return times[times.length >> 1]
}
