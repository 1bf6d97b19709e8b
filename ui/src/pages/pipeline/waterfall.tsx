import type { JobView, PipelineView } from '../../../../src/contract/rest/views.ts'
import type { Span } from '../../../../src/core/waterfall/waterfall.ts'
import { waterfallOf } from '../../../../src/core/waterfall/waterfall-of.ts'
import { formatDuration } from '../../format.ts'
import { useNow } from '../../hooks/now.ts'

export interface WaterfallProps {
  readonly pipeline: PipelineView
  readonly jobs: readonly JobView[]
}

const COMMIT = 'Commit'

const WORDS: Readonly<Record<string, string>> = {
  accept: 'accept',
  queue: 'queue',
  place: 'wait for a runner',
  fetch: 'fetch',
  plan: 'read narwhal.yml',
  handover: 'dispatch',
  checkout: 'checkout',
  sandbox: 'sandbox',
  prepare: 'prepare',
  report: 'report',
}

/** Where the time went, from the commit to the end, with the critical path outlined. */
export function Waterfall({ pipeline, jobs }: WaterfallProps) {
  const now = useNow()
  const { startAt, durationMs, spans } = waterfallOf(pipeline, jobs, now)
  const groups = groupSpans(spans)
  const whole = Math.max(1, durationMs)
  return (
    <div className="waterfall" tabIndex={0} role="group" aria-label="Timeline">
      <p className="quiet small waterfall-legend">
        <span>{formatDuration(durationMs)} total</span>
        <span className="legend is-wait">waiting</span>
        <span className="legend is-prepare">preparing</span>
        <span className="legend is-step">steps</span>
        <span className="legend is-critical">critical path (outlined)</span>
      </p>
      {groups.map((group) => (
        <Group key={group.title} {...group} startAt={startAt} whole={whole} />
      ))}
    </div>
  )
}

interface GroupProps {
  readonly title: string
  readonly rows: readonly Span[]
  readonly startAt: number
  readonly whole: number
}

/** The spans of one attempt; folded, a single bar covers them. */
function Group({ title, rows, startAt, whole }: GroupProps) {
  const from = Math.min(...rows.map((span) => span.startAt))
  const to = Math.max(...rows.map((span) => span.startAt + span.durationMs))
  return (
    <section aria-label={title} className="waterfall-group">
      <details open>
        <summary className="span-row">
          <h3 className="span-name" title={title}>
            {title}
          </h3>
          <span className="span-track" aria-hidden="true">
            <span className="span is-whole" style={placeOf(from, to - from, { startAt, whole })} />
          </span>
          <span className="quiet small number span-time">{formatDuration(to - from)}</span>
        </summary>
        <ul>
          {rows.map((span, index) => (
            // oxlint-disable-next-line react/no-array-index-key -- spans are ordered by start
            <SpanRow key={index} span={span} startAt={startAt} whole={whole} />
          ))}
        </ul>
      </details>
    </section>
  )
}

/** The position of a bar in its track. */
function placeOf(
  from: number,
  durationMs: number,
  { startAt, whole }: { startAt: number; whole: number },
): { left: string; width: string } {
  const left = (100 * (from - startAt)) / whole
  const width = Math.max(0.25, (100 * durationMs) / whole)
  return { left: `${Math.min(left, 99.7)}%`, width: `${Math.min(width, 100 - left)}%` }
}

interface SpanRowProps {
  readonly span: Span
  readonly startAt: number
  readonly whole: number
}

function SpanRow({ span, startAt, whole }: SpanRowProps) {
  const words = span.step?.name ?? WORDS[span.name] ?? span.name
  const classes = ['span', `is-${kindOf(span)}`]
  if (span.critical) classes.push('is-critical')
  if (span.outcome && span.outcome !== 'success') classes.push('is-bad')
  return (
    <li className="span-row">
      <span className="span-name" title={words}>
        {words}
      </span>
      <span className="span-track" aria-hidden="true">
        <span
          className={classes.join(' ')}
          style={placeOf(span.startAt, span.durationMs, { startAt, whole })}
        />
      </span>
      <span className="quiet small number span-time">{formatDuration(span.durationMs)}</span>
      {span.critical ? <span className="unseen">on the critical path</span> : null}
    </li>
  )
}

function kindOf({ name }: Span): 'wait' | 'prepare' | 'step' {
  if (name === 'step') return 'step'
  return name === 'place' || name === 'queue' || name === 'accept' ? 'wait' : 'prepare'
}

function groupSpans(spans: readonly Span[]): { title: string; rows: Span[] }[] {
  const groups = new Map<string, Span[]>()
  for (const span of spans) {
    const again = (span.attempt ?? 1) > 1 ? `, attempt ${span.attempt}` : ''
    const title = span.job ? `${span.job.name}${again}` : COMMIT
    groups.set(title, [...(groups.get(title) ?? []), span])
  }
  // What precedes any job comes first, even if clocks differ.
  const inOrder = [...groups].toSorted(([a], [b]) => Number(b === COMMIT) - Number(a === COMMIT))
  return inOrder.map(([title, rows]) => ({ title, rows }))
}
