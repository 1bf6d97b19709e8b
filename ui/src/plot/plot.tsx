import { lazy, Suspense } from 'react'
import type { PlotProps } from './plot-props.ts'

/** Drawing is a library of its own, which the first page does not need. */
const Chart = lazy(async () => ({ default: (await import('./chart.tsx')).Chart }))

/** Lines over time, with what they say in words for those who can't see them. */
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
          <p className="quiet small">Too little to draw yet.</p>
        )}
      </div>
    </figure>
  )
}
