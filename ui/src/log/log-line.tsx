import { type MouseEvent, memo } from 'react'
import { formatClock, formatOffset } from '../format.ts'
import { navigateHash } from '../router.tsx'
import { formatRange, type LineRange } from './line-range.ts'
import { markSpans, type ShownLine } from './shown-line.ts'

export type TimeKind = 'none' | 'clock' | 'since' | 'delta'

export interface LogLineProps {
  readonly number: number
  /** Undefined while loading. */
  readonly line: ShownLine | undefined
  readonly time: string
  readonly isLinked: boolean
  readonly isFound: boolean
  /** Text to highlight. */
  readonly mark: string
  readonly range: LineRange | undefined
}

/** One line; its number is a link to it, or with Shift to a range. */
export const LogLineRow = memo(function LogLineRow(props: LogLineProps) {
  const { number, line, time, isLinked, isFound, mark, range } = props
  const choose = (event: MouseEvent) => {
    event.preventDefault()
    const from = event.shiftKey && range ? range.from : number
    navigateHash(formatRange({ from: Math.min(from, number), to: Math.max(from, number) }))
  }
  const classes = ['line', `from-${line?.stream ?? 'nowhere'}`]
  if (isLinked) classes.push('is-linked')
  if (isFound) classes.push('is-found')
  const spans = line ? (mark ? markSpans(line.spans, mark) : line.spans) : []
  return (
    <div className={classes.join(' ')} data-line={number}>
      <a
        className="line-number"
        href={formatRange({ from: number, to: number })}
        tabIndex={-1}
        onClick={choose}
      >
        {number + 1}
      </a>
      {time ? <time>{time}</time> : null}
      <span className="text">
        {spans.map((span, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- spans never move
          <span key={index} className={span.className || undefined}>
            {span.text}
          </span>
        ))}
      </span>
    </div>
  )
})

/** The timestamp of a line: time of day, since the start of the attempt, or since the previous line. */
export function timeOf(
  kind: TimeKind,
  line: ShownLine | undefined,
  before: ShownLine | undefined,
  startedAt: number,
): string {
  if (kind === 'none') return ''
  if (!line) return ' '
  if (kind === 'clock') return formatClock(line.at)
  if (kind === 'since') return formatOffset(line.at - startedAt)
  return before ? `+${formatOffset(line.at - before.at)}` : ' '
}
