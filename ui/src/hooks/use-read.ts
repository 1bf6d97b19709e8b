import { useCallback, useEffect, useState } from 'react'
import type { EndpointName } from '../../../src/contract/rest/endpoints/endpoints.ts'
import { type Answer, call, type Given, linkTo } from '../api.ts'

/** Reads an endpoint once, and again on `reload`; for what doesn't change by itself. */
export function useRead<Name extends EndpointName>(
  name: Name,
  given: Given<Name>,
): {
  readonly answer: Answer<Name> | undefined
  readonly error: Error | undefined
  readonly reload: () => void
} {
  const path = linkTo(name, given)
  const [state, setState] = useState<{ path: string; answer?: Answer<Name>; error?: Error }>({
    path,
  })
  const [round, setRound] = useState(0)
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- `round` re-reads, and `path` stands for `given`
  useEffect(() => {
    const leaving = new AbortController()
    call(name, given, leaving.signal).then(
      (answer) => setState({ path, answer }),
      (error: unknown) => {
        if (!leaving.signal.aborted && error instanceof Error) setState({ path, error })
      },
    )
    return () => leaving.abort()
  }, [path, round])
  const reload = useCallback(() => setRound((count) => count + 1), [])
  const isOf = state.path === path
  return { answer: isOf ? state.answer : undefined, error: isOf ? state.error : undefined, reload }
}
