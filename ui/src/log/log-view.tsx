import { useEffect, useMemo, useState } from 'react'
import type { JobView, StepView } from '../../../src/contract/rest/views.ts'
import { formatCount } from '../format.ts'
import { useShortcut } from '../hooks/shortcuts.ts'
import { useHash } from '../router.tsx'
import { copyLines } from './copy-lines.ts'
import { failedStep, findError } from './find-error.ts'
import { parseRange } from './line-range.ts'
import { LogBox } from './log-box.tsx'
import type { TimeKind } from './log-line.tsx'
import type { LogState } from './log-lines.ts'
import { type LogRows, layOut, placeOf } from './log-rows.ts'
import { LogTools } from './log-tools.tsx'
import { useLog } from './use-log.ts'
import { useScroll } from './use-scroll.ts'
import { useSearch } from './use-search.ts'

export interface LogViewProps {
  readonly jobId: JobView['id']
  readonly attempt: number
  readonly steps: readonly StepView[]
  readonly startedAt: number
}

/** The live log of an attempt, foldable by step; it follows the end until scrolled up. */
export function LogView({ jobId, attempt, steps, startedAt }: LogViewProps) {
  const params = { job: jobId, attempt }
  const { lines, state, error } = useLog(jobId, attempt)
  const [folded, setFolded] = useState<ReadonlySet<number>>(new Set())
  const [times, setTimes] = useState<TimeKind>('none')
  const [isWrapped, setWrapped] = useState(false)
  const [wanted, setWanted] = useState<number>()
  const rows = useMemo(
    () => layOut(state.sections, steps.length, folded),
    [state.sections, steps.length, folded],
  )
  const scroll = useScroll(rows.height)
  const search = useSearch(params, setWanted)
  const range = parseRange(useHash())
  const linked = range?.from
  useEffect(() => setWanted(linked), [linked])
  useGoTo(wanted, { rows, state, folded, setFolded, goTo: scroll.goTo, done: setWanted })
  useShortcut('f', 'Follow log', scroll.follow)
  const toggle = (step: number) => {
    const next = new Set(folded)
    if (!next.delete(step)) next.add(step)
    setFolded(next)
  }
  const failed = failedStep(steps)
  const goToError =
    failed && (async () => setWanted(await findError(params, failed, state.sections)))
  const copy = () => copyLines(params, range?.from ?? 0, range ? range.to + 1 : state.total)
  return (
    <div className="panel log">
      <LogTools
        {...{ params, search, times, isWrapped, copy, goToError }}
        onTimes={setTimes}
        onWrap={setWrapped}
      />
      {error ? <p className="notice is-error">{error}</p> : null}
      <LogBox
        {...{ rows, lines, scroll, steps, times, startedAt, isWrapped, range }}
        version={state.version}
        found={search.found}
        mark={search.text}
        onToggle={toggle}
      />
      <p className="log-foot quiet small">
        <span className="number">{formatCount(state.total, 'line')}</span>
        <span role="status">
          {state.isComplete
            ? state.total > 0
              ? 'Complete'
              : 'No output'
            : scroll.isFollowing
              ? 'Following'
              : 'Live, not following'}
        </span>
        {scroll.isFollowing ? null : (
          <button type="button" className="small" onClick={scroll.follow}>
            Jump to end
          </button>
        )}
      </p>
    </div>
  )
}

interface GoTo {
  readonly rows: LogRows
  readonly state: LogState
  readonly folded: ReadonlySet<number>
  readonly setFolded: (folded: ReadonlySet<number>) => void
  readonly goTo: (place: number) => void
  readonly done: (wanted: undefined) => void
}

/** Scrolls to a line once it exists; unfolds its step. */
function useGoTo(wanted: number | undefined, to: GoTo): void {
  useEffect(() => {
    if (wanted === undefined || wanted >= to.state.total) return
    const place = placeOf(to.rows, wanted)
    if (place !== undefined) {
      to.goTo(place)
      to.done(undefined)
      return
    }
    const section = to.state.sections.find(
      ({ from, count }) => wanted >= from && wanted < from + count,
    )
    if (!section || !to.folded.has(section.step)) return
    const next = new Set(to.folded)
    next.delete(section.step)
    to.setFolded(next)
  })
}
