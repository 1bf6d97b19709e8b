import { useCallback, useState } from 'react'

export interface Command {
  readonly isRunning: boolean
  /** The error message of the last one. */
  readonly error: string | undefined
  /** Runs it; a rejection becomes `error`. */
  readonly run: (work: () => Promise<void>) => Promise<void>
}

/** The state of a command to the server: whether it is in progress, and its error. */
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
