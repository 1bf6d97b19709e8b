export interface SparklineProps {
  readonly label: string
  /** The newest value in words. */
  readonly value: string
  /** Oldest first. */
  readonly points: readonly number[]
  /** What fills the height; larger values are drawn at the top. */
  readonly max: number
}

const WIDTH = 120
const HEIGHT = 28

export function Sparkline({ label, value, points, max }: SparklineProps) {
  const step = points.length > 1 ? WIDTH / (points.length - 1) : 0
  const heightOf = (point: number) =>
    HEIGHT - 1 - Math.min(1, max > 0 ? point / max : 0) * (HEIGHT - 2)
  const line = points.map((point, i) => `${(i * step).toFixed(1)},${heightOf(point).toFixed(1)}`)
  const area = `0,${HEIGHT} ${line.join(' ')} ${((points.length - 1) * step).toFixed(1)},${HEIGHT}`
  return (
    <figure className="spark">
      <figcaption>
        {label} <strong className="number">{value}</strong>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {points.length > 1 ? <polygon points={area} /> : null}
        {points.length > 1 ? <polyline points={line.join(' ')} /> : null}
      </svg>
    </figure>
  )
}
