import { useEffect, useReducer, useRef, useState } from 'react'
import type { LogPage } from '../../../src/contract/rest-logs.ts'
import type { JobView, LogLine } from '../../../src/contract/views.ts'
import { getJson } from '../api.ts'
import { live } from '../live/live.ts'
import { EMPTY_LOG, type LogWindow, MOST_LINES, reduceLog, WINDOW } from './log-window.ts'

/** Older lines that are fetched at a time. */
const OLDER = 2_000

export interface OpenLog {
  readonly log: LogWindow
  readonly error: string | undefined
  /** Puts older lines in front; resolves when they are there. */
  readonly readOlder: () => Promise<void>
}

export interface LogRef {
  readonly jobId: JobView['id']
  readonly attempt: number
  /** How many lines were stored when the page was opened. */
  readonly stored: number
}

/** Follows the log of an attempt by websocket; lines that come together are shown together. */
export function useLog({ jobId, attempt, stored }: LogRef): OpenLog {
  const [log, dispatch] = useReducer(reduceLog, EMPTY_LOG)
  const [error, setError] = useState<string>()
  const keep = useRef(WINDOW)
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- `stored` only says where to start
  useEffect(() => {
    let waiting: LogLine[] = []
    let frame: number | undefined
    const flush = () => {
      frame = undefined
      dispatch({ type: 'appended', lines: waiting, keep: keep.current })
      waiting = []
    }
    dispatch({ type: 'opened' })
    const after = Math.max(-1, stored - WINDOW - 1)
    const stop = live.subscribe({ kind: 'log', jobId, attempt }, after, {
      onEvent: (event) => {
        if (event.type !== 'log.appended') return
        for (const line of event.lines) waiting.push(line)
        // A page in the background gets no frames: what it will not show is let go.
        if (waiting.length > 2 * MOST_LINES) waiting = waiting.slice(-MOST_LINES)
        frame ??= requestAnimationFrame(flush)
      },
      onEnd: () => {
        if (frame !== undefined) cancelAnimationFrame(frame)
        flush()
        dispatch({ type: 'ended' })
      },
      onError: setError,
    })
    return () => {
      stop()
      if (frame !== undefined) cancelAnimationFrame(frame)
    }
  }, [jobId, attempt])
  const first = log.lines[0]?.number ?? 0
  const readOlder = async () => {
    keep.current = MOST_LINES
    const from = Math.max(0, first - OLDER)
    const older: LogLine[] = []
    // A page of long lines has fewer than were asked for.
    for (let at = from; at < first; ) {
      const path = `/jobs/${jobId}/attempts/${attempt}/log?from=${at}&limit=${first - at}`
      const { lines } = await getJson<LogPage>(path)
      if (lines.length === 0) break
      for (const line of lines) older.push(line)
      at += lines.length
    }
    dispatch({ type: 'older', lines: older })
  }
  return { log, error, readOlder }
}
