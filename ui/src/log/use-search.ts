import { useEffect, useState } from 'react'
import { call } from '../api.ts'
import type { LogParams } from './log-params.ts'

export interface Search {
  readonly text: string
  readonly setText: (text: string) => void
  /** How many lines match; undefined until known. */
  readonly total: number | undefined
  /** The current match, from 0. */
  readonly index: number
  /** The line of the current match. */
  readonly found: number | undefined
  readonly error: string | undefined
  readonly move: (by: 1 | -1) => Promise<void>
}

const PAUSE_MS = 200
const LIMIT = 1_000

interface Found {
  readonly text: string
  readonly numbers: readonly number[]
  readonly total: number
  readonly next: number | undefined
  readonly index: number
}

/** Searches a whole log on the server while typing; `onFound` gets the line to show. */
export function useSearch(params: LogParams, onFound: (number: number) => void): Search {
  const [text, setText] = useState('')
  const [found, setFound] = useState<Found>()
  const [error, setError] = useState<string>()
  const read = async (from: number, signal?: AbortSignal) => {
    return call('searchLog', { params, query: { text, from, limit: LIMIT } }, signal)
  }
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- only typing starts a search
  useEffect(() => {
    setError(undefined)
    setFound(undefined)
    if (text === '') return
    const leaving = new AbortController()
    const timer = setTimeout(() => {
      read(0, leaving.signal)
        .then(({ matches, total, next }) => {
          const numbers = matches.map(({ number }) => number)
          setFound({ text, numbers, total, next, index: 0 })
          if (numbers[0] !== undefined) onFound(numbers[0])
        })
        .catch((reason: unknown) => {
          if (leaving.signal.aborted) return
          setError(reason instanceof Error ? reason.message : String(reason))
        })
    }, PAUSE_MS)
    return () => {
      clearTimeout(timer)
      leaving.abort()
    }
  }, [text, params.job, params.attempt])
  const move = async (by: 1 | -1) => {
    if (!found || found.numbers.length === 0) return
    let { numbers, next } = found
    let index = found.index + by
    if (index >= numbers.length && next !== undefined) {
      const more = await read(next)
      numbers = [...numbers, ...more.matches.map(({ number }) => number)]
      next = more.next
    }
    index = (index + numbers.length) % numbers.length
    setFound({ ...found, numbers, next, index })
    onFound(numbers[index] as number)
  }
  return {
    text,
    setText,
    total: found?.total,
    index: found?.index ?? 0,
    found: found?.numbers[found.index],
    error,
    move,
  }
}
