import { useCallback, useEffect, useState } from 'react'
import { getJson } from '../api.ts'

/** What a path answers, read once and again when asked; for what doesn't change by itself. */
export function useRead<Answer>(path: string): {
  readonly answer: Answer | undefined
  readonly error: Error | undefined
  readonly again: () => void
} {
  const [state, setState] = useState<{ path: string; answer?: Answer; error?: Error }>({ path })
  const [round, setRound] = useState(0)
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- `round` asks again
  useEffect(() => {
    const leaving = new AbortController()
    getJson<Answer>(path, leaving.signal).then(
      (answer) => setState({ path, answer }),
      (error: unknown) => {
        if (!leaving.signal.aborted && error instanceof Error) setState({ path, error })
      },
    )
    return () => leaving.abort()
  }, [path, round])
  const again = useCallback(() => setRound((count) => count + 1), [])
  const isOf = state.path === path
  return { answer: isOf ? state.answer : undefined, error: isOf ? state.error : undefined, again }
}
