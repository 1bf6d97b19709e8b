import { useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import type { JobView, LogLine } from '../../../src/contract/rest/views.ts'
import { call } from '../api.ts'
import { live } from '../live/live.ts'
import { LogLines, type LogState } from './log-lines.ts'

/** A page in the background gets no frames: beyond this many lines it doesn't wait for one. */
const MOST_WAITING = 20_000

export interface OpenLog {
  readonly lines: LogLines
  readonly state: LogState
  readonly error: string | undefined
}

/** Opens the log of an attempt and follows it; lines are applied once per frame. */
export function useLog(jobId: JobView['id'], attempt: number): OpenLog {
  const [error, setError] = useState<string>()
  const params = useMemo(() => ({ job: jobId, attempt }), [jobId, attempt])
  const lines = useMemo(() => {
    return new LogLines({
      read: async (from, limit) => {
        return (await call('readLog', { params, query: { from, limit } })).lines
      },
      onError: (reason) => setError(reason instanceof Error ? reason.message : String(reason)),
    })
  }, [params])
  useEffect(() => {
    const leaving = new AbortController()
    let stop: (() => void) | undefined
    call('listLogSections', { params }, leaving.signal)
      .catch(() => ({ sections: [], total: 0 }))
      .then(({ sections, total }) => {
        if (leaving.signal.aborted) return
        lines.begin(sections, total)
        stop = follow({ jobId, attempt, after: total - 1 }, lines, setError)
      })
      .catch((reason: unknown) => setError(String(reason)))
    return () => {
      leaving.abort()
      stop?.()
    }
  }, [params, lines, jobId, attempt])
  const state = useSyncExternalStore(lines.watch, () => lines.state)
  return { lines, state, error }
}

interface LogRef {
  readonly jobId: JobView['id']
  readonly attempt: number
  readonly after: number
}

function follow(
  { jobId, attempt, after }: LogRef,
  lines: LogLines,
  onError: (words: string) => void,
): () => void {
  let waiting: LogLine[] = []
  let frame: number | undefined
  const flush = () => {
    if (frame !== undefined) cancelAnimationFrame(frame)
    frame = undefined
    const taken = waiting
    waiting = []
    lines.append(taken)
  }
  const stop = live.subscribe({ kind: 'log', jobId, attempt }, after, {
    onEvent: (event) => {
      if (event.type !== 'log.appended') return
      for (const line of event.lines) waiting.push(line)
      if (waiting.length > MOST_WAITING) flush()
      else frame ??= requestAnimationFrame(flush)
    },
    onEnd: () => {
      flush()
      lines.end()
    },
    onError,
  })
  return () => {
    stop()
    if (frame !== undefined) cancelAnimationFrame(frame)
  }
}
