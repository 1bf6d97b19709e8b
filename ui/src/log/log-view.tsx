import { useMemo, useState } from 'react'
import type { JobView, StepView } from '../../../src/contract/views.ts'
import { CommandButton } from '../parts/command-button.tsx'
import { LogSteps } from './log-steps.tsx'
import { groupLines } from './log-window.ts'
import { useEnd } from './use-end.ts'
import { useLog } from './use-log.ts'

export interface LogViewProps {
  readonly jobId: JobView['id']
  readonly attempt: number
  readonly steps: readonly StepView[]
  /** How many lines were stored when the page was opened. */
  readonly stored: number
}

/** The live log of an attempt, folded by step; it follows the end until one scrolls up. */
export function LogView({ jobId, attempt, steps, stored }: LogViewProps) {
  const { log, error, readOlder } = useLog({ jobId, attempt, stored })
  const [hasTimes, setTimes] = useState(false)
  const { box, content, isFollowing, onScroll, goToEnd } = useEnd()
  const sections = useMemo(() => groupLines(log.lines), [log.lines])
  const first = log.lines[0]?.number ?? 0
  const path = `/api/v1/jobs/${jobId}/attempts/${attempt}/log.txt`
  return (
    <div className="log">
      <div className="log-tools">
        <label>
          <input
            type="checkbox"
            checked={hasTimes}
            onChange={(event) => setTimes(event.target.checked)}
          />{' '}
          Times
        </label>
        <a href={path}>Raw log</a>
        <span className="quiet" role="status">
          {log.isWhole ? 'Complete' : isFollowing ? 'Following' : ''}
        </span>
        {isFollowing ? null : (
          <button type="button" onClick={goToEnd}>
            To the end
          </button>
        )}
      </div>
      {error ? <p className="notice is-error">{error}</p> : null}
      <div
        className={`log-box${hasTimes ? ' has-times' : ''}${isFollowing ? ' is-following' : ''}`}
        ref={box}
        onScroll={onScroll}
        tabIndex={0}
        role="log"
        aria-label="Log"
        aria-live="off"
      >
        <div ref={content}>
          {first > 0 ? (
            <p className="older">
              <CommandButton run={readOlder}>
                Show older lines ({first.toLocaleString('en')} before these)
              </CommandButton>
            </p>
          ) : null}
          <LogSteps steps={steps} sections={sections} />
          {log.lines.length === 0 ? (
            <p className="quiet no-lines">{log.isWhole ? 'No output.' : 'No output yet.'}</p>
          ) : null}
        </div>
      </div>
    </div>
  )
}
