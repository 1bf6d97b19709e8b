import { useEffect, useState } from 'react'
import type { PlacementView } from '../../../../src/contract/rest/rest-insights.ts'
import { call } from '../../api.ts'
import { live } from '../../live/live.ts'

/** Changes within this time are read together. */
const GATHER_MS = 1_000

/** The newest placements, refreshed when jobs change. */
export function usePlacements(): readonly PlacementView[] {
  const [placements, setPlacements] = useState<readonly PlacementView[]>([])
  useEffect(() => {
    const leaving = new AbortController()
    let soon: ReturnType<typeof setTimeout> | undefined
    const read = () => {
      soon = undefined
      call('listPlacements', {}, leaving.signal).then(
        (answer) => setPlacements(answer.placements),
        // Cards are still useful without them.
        () => undefined,
      )
    }
    const stop = live.subscribe({ kind: 'everything' }, undefined, {
      onEvent: (event) => {
        if (event.type === 'job.changed') soon ??= setTimeout(read, GATHER_MS)
      },
    })
    read()
    return () => {
      leaving.abort()
      clearTimeout(soon)
      stop()
    }
  }, [])
  return placements
}
