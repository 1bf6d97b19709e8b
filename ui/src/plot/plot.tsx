import { lazy, Suspense } from 'react'
import type { PlotProps } from './plot-props.ts'

/** The chart library is a separate chunk, which the first page does not need. */
const Chart = lazy(async () => ({ default: (await import('./chart.tsx')).Chart }))

/** Lines over time, with a text summary for screen readers. */
export function Plot(props: PlotProps) {
  const { label, summary, height = 90 } = props
  return (
    <figure className={height > 120 ? 'plot is-large' : 'plot'} aria-label={`${label}: ${summary}`}>
      <figcaption>
        <span>{label}</span>
        <strong className="number">{summary}</strong>
      </figcaption>
      <div style={{ minHeight: height }}>
        {props.times.length > 1 ? (
          <Suspense fallback={null}>
            <Chart {...props} />
          </Suspense>
        ) : (
          <p className="quiet small">Not enough data yet</p>
        )}
      </div>
    </figure>
  )
}
