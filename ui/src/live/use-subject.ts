import { useEffect, useReducer, useState } from 'react'
import type { LiveEvent } from '../../../src/contract/live/live-event.ts'
import type { LiveTopic } from '../../../src/contract/live/live-protocol.ts'
import { live } from './live.ts'

/** How a page loads its state and keeps it up to date. */
export interface Subject<State, Loaded> {
  /** A changed key loads the subject again. */
  readonly key: string
  readonly topic: LiveTopic
  /** Loads the current state and the number after which live events follow. */
  readonly load: (signal: AbortSignal) => Promise<{ loaded: Loaded; seq: number }>
  readonly reduce: (state: State, action: SubjectAction<Loaded>) => State
  readonly initial: State
}

export type SubjectAction<Loaded> =
  | { readonly type: 'loaded'; readonly key: string; readonly loaded: Loaded }
  | LiveEvent

const RETRY_MS = 3_000

/** Loads a subject by REST and applies its live events; reloads it when too much was missed. */
export function useSubject<State, Loaded>(
  subject: Subject<State, Loaded>,
): { state: State; error: Error | undefined; dispatch: (action: SubjectAction<Loaded>) => void } {
  const [state, dispatch] = useReducer(subject.reduce, subject.initial)
  const [error, setError] = useState<Error>()
  const [round, setRound] = useState(0)
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- the key stands for the whole subject
  useEffect(() => {
    const leaving = new AbortController()
    let stop: (() => void) | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    const reload = () => setRound((count) => count + 1)
    subject
      .load(leaving.signal)
      .then(({ loaded, seq }) => {
        if (leaving.signal.aborted) return
        setError(undefined)
        dispatch({ type: 'loaded', key: subject.key, loaded })
        stop = live.subscribe(subject.topic, seq, { onEvent: dispatch, onReset: reload })
      })
      .catch((reason: unknown) => {
        if (leaving.signal.aborted) return
        setError(reason instanceof Error ? reason : new Error(String(reason)))
        const status = (reason as { status?: number }).status ?? 0
        if (status === 0 || status >= 500) timer = setTimeout(reload, RETRY_MS)
      })
    return () => {
      leaving.abort()
      clearTimeout(timer)
      stop?.()
    }
  }, [subject.key, round])
  return { state, error, dispatch }
}
