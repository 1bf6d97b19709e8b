import { formatAgo, formatDuration } from '../format.ts'
import { useNow } from '../hooks/now.ts'
import { durationOf } from '../state/status.ts'

export interface DurationProps {
  readonly of: {
    readonly startedAt?: number | undefined
    readonly finishedAt?: number | undefined
  }
}

/** How long something took; ticks while it is running, empty before it starts. */
export function Duration({ of }: DurationProps) {
  const now = useNow()
  const ms = durationOf(of, now)
  if (ms === undefined) return null
  // Whole seconds while ticking: tenths would flicker.
  const said = of.finishedAt === undefined ? Math.max(0, Math.floor(ms / 1000)) * 1000 : ms
  const words = formatDuration(said)
  return (
    <span className="number">{of.finishedAt === undefined ? words.replace('.0', '') : words}</span>
  )
}

export function Ago({ at }: { readonly at: number }) {
  const now = useNow()
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
      {formatAgo(at, now)}
    </time>
  )
}
