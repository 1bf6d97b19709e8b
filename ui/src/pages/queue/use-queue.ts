import { useEffect, useState } from 'react'
import type { QueueList } from '../../../../src/contract/rest/rest.ts'
import { call } from '../../api.ts'
import { live } from '../../live/live.ts'

/** Changes within this time are read together. */
const GATHER_MS = 300
/** The reasons change as runners come and go, without a change of the job itself. */
const REFRESH_MS = 5_000

/** The first waiting jobs and their number, kept up to date; undefined until loaded. */
export function useQueue(): Partial<QueueList> & { readonly error?: Error } {
  const [queue, setQueue] = useState<QueueList>()
  const [error, setError] = useState<Error>()
  useEffect(() => {
    const leaving = new AbortController()
    let soon: ReturnType<typeof setTimeout> | undefined
    const read = async () => {
      soon = undefined
      try {
        setQueue(await call('listQueue', {}, leaving.signal))
        setError(undefined)
      } catch (reason) {
        if (!leaving.signal.aborted) setError(reason as Error)
      }
    }
    const readSoon = () => {
      soon ??= setTimeout(() => void read(), GATHER_MS)
    }
    const stop = live.subscribe({ kind: 'everything' }, undefined, {
      onEvent: (event) => {
        if (event.type === 'job.changed' || event.type === 'runner.changed') readSoon()
      },
    })
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') readSoon()
    }, REFRESH_MS)
    void read()
    return () => {
      leaving.abort()
      clearTimeout(soon)
      clearInterval(timer)
      stop()
    }
  }, [])
  return { ...queue, ...(error ? { error } : {}) }
}
