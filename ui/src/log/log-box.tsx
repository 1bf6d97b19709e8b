import { useLayoutEffect, useRef } from 'react'
import type { StepView } from '../../../src/contract/rest/views.ts'
import type { LineRange } from './line-range.ts'
import { LogLineRow, type TimeKind, timeOf } from './log-line.tsx'
import type { LogLines } from './log-lines.ts'
import { blockAt, HEAD, type LogRows, rowsBetween } from './log-rows.ts'
import { StepHead } from './step-head.tsx'
import { LINE, type LogScroll } from './use-scroll.ts'

export interface LogBoxProps {
  readonly rows: LogRows
  readonly lines: LogLines
  /** Changes whenever lines do. */
  readonly version: number
  readonly scroll: LogScroll
  readonly steps: readonly StepView[]
  readonly times: TimeKind
  readonly startedAt: number
  readonly isWrapped: boolean
  readonly range: LineRange | undefined
  readonly found: number | undefined
  readonly mark: string
  readonly onToggle: (step: number) => void
}

/** Rows rendered beyond the visible ones. */
const SPARE = 12

/**
 * The visible lines and a few more, in a box as high as all of them. Wrapped lines are higher than one
 * row: then the box scrolls line by line.
 */
export function LogBox(props: LogBoxProps) {
  const { rows, lines, scroll, steps, times, isWrapped, range } = props
  const { box, top, visible, topPx, heightPx } = scroll
  const content = useRef<HTMLDivElement>(null)
  const from = Math.max(0, Math.floor(top) - (isWrapped ? 0 : SPARE))
  const shown = rowsBetween(rows, from, top + visible + SPARE)
  const numbers = shown.flatMap((row) => (row.kind === 'line' ? [row.number] : []))
  const [firstNumber] = numbers
  const lastNumber = numbers.at(-1)
  useLayoutEffect(() => {
    if (firstNumber !== undefined) lines.want(firstNumber, (lastNumber ?? firstNumber) + 1)
  })
  const firstTop = shown[0]?.top ?? 0
  useLayoutEffect(() => {
    const inner = content.current
    if (!inner) return
    let y = topPx - (top - firstTop) * LINE
    if (isWrapped) {
      const first = inner.firstElementChild?.getBoundingClientRect().height ?? LINE
      const rowHeight = shown[0]?.kind === 'head' ? HEAD : 1
      const share = Math.min(1, (top - firstTop) / rowHeight)
      y = scroll.isAtEnd ? heightPx - inner.offsetHeight : topPx - share * first
    }
    inner.style.transform = `translateY(${Math.max(0, y)}px)`
  })
  const current = top > 0.5 ? blockAt(rows, top) : undefined
  const step = current && steps[current.step]
  return (
    <div
      className={`log-box${isWrapped ? ' is-wrapped' : ''} has-${times}`}
      ref={box}
      tabIndex={0}
      role="log"
      aria-label="Log"
      aria-live="off"
    >
      {step && current && top > current.top ? (
        <div className="log-now">
          <StepHead
            step={step}
            isOpen={!current.isFolded}
            onToggle={() => {
              scroll.goTo(current.top + visible / 3)
              props.onToggle(current.step)
            }}
          />
        </div>
      ) : null}
      <div className="log-all" style={{ height: heightPx }}>
        <div className="log-seen" ref={content}>
          {shown.map((row) => {
            if (row.kind === 'line') {
              const line = lines.lineAt(row.number)
              const before = times === 'delta' ? lines.lineAt(row.number - 1) : undefined
              const isLinked =
                range !== undefined && row.number >= range.from && row.number <= range.to
              return (
                <LogLineRow
                  key={row.number}
                  number={row.number}
                  line={line}
                  time={timeOf(times, line, before, props.startedAt)}
                  isLinked={isLinked}
                  isFound={row.number === props.found}
                  mark={props.mark}
                  range={range}
                />
              )
            }
            const { block } = row
            const of = steps[block.step] ?? {
              index: block.step,
              name: `Step ${block.step + 1}`,
              status: 'waiting',
            }
            return (
              <StepHead
                key={`step ${block.step}`}
                step={of}
                isOpen={!block.isFolded}
                onToggle={() => props.onToggle(block.step)}
              />
            )
          })}
        </div>
      </div>
    </div>
  )
}
