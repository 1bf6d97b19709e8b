import { useCallback, useEffect, useRef, useState } from 'react'
import type { AuditEntryView } from '../../../../src/contract/rest/rest-audit.ts'
import { call } from '../../api.ts'
import { type AuditFilter, auditQuery, auditSearch } from '../../state/audit-filter.ts'

interface State {
  readonly of: string
  readonly entries?: readonly AuditEntryView[]
  readonly next?: string | undefined
  readonly error?: Error
}

/** Matching entries of the audit log, newest first, with `more` for older ones. */
export function useAudit(filter: AuditFilter) {
  const of = auditSearch(filter)
  const [state, setState] = useState<State>({ of })
  const [round, setRound] = useState(0)
  const leaving = useRef(new AbortController())
  const read = useCallback(
    async (
      previous: readonly AuditEntryView[],
      before: string | undefined,
      signal: AbortSignal,
    ) => {
      try {
        const query = auditQuery(filter, Date.now(), before)
        const { entries, next } = await call('listAudit', { query }, signal)
        setState({ of, entries: [...previous, ...entries], next })
      } catch (error) {
        if (!signal.aborted && error instanceof Error) setState({ of, entries: previous, error })
      }
    },
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- `of` is the filter as text
    [of],
  )
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- `round` re-reads
  useEffect(() => {
    const stop = new AbortController()
    leaving.current = stop
    void read([], undefined, stop.signal)
    return () => stop.abort()
  }, [read, round])
  const isOf = state.of === of
  const { entries, next, error } = isOf ? state : {}
  const more =
    next === undefined ? undefined : () => read(entries ?? [], next, leaving.current.signal)
  return { entries, error, more, reload: () => setRound((count) => count + 1) }
}
