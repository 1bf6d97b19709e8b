import { lazy, Suspense } from 'react'

export interface PlotProps {
  readonly label: string
  /** The newest value, or what sums the plot up, in words. */
  readonly summary: string
  /** Epoch seconds, or numbers of pipelines; ascending. */
  readonly times: readonly number[]
  readonly lines: readonly {
    readonly name: string
    readonly values: readonly (number | null)[]
  }[]
  readonly format: (value: number) => string
  /** What fills the height; else the largest value. */
  readonly most?: number
  readonly height?: number
  /** Whether `times` are times; else numbers. */
  readonly isByTime?: boolean
}

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
