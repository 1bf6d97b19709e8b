import { useCallback, useState } from 'react'

export interface Command {
  readonly isRunning: boolean
  /** Why the last one came to nothing, in the server's words. */
  readonly error: string | undefined
  /** Runs it; what it rejects with becomes `error`. */
  readonly run: (work: () => Promise<void>) => Promise<void>
}

/** Something that the server is asked to do: whether it is under way, and what went wrong. */
export function useCommand(): Command {
  const [isRunning, setRunning] = useState(false)
  const [error, setError] = useState<string>()
  const run = useCallback(async (work: () => Promise<void>) => {
    setRunning(true)
    setError(undefined)
    try {
      await work()
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason))
    } finally {
      setRunning(false)
    }
  }, [])
  return { isRunning, error, run }
}
