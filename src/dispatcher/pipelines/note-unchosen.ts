import type { Logger } from '../../lib/log.ts'
import type { StoreReader } from '../../store/store.ts'

const MOST_NAMED = 20

/** Says which repositories were registered before there was a choice: what is done for them has changed. */
export async function noteUnchosen(
  store: Pick<StoreReader, 'repositories'>,
  log: Logger,
): Promise<void> {
  const all = await store.repositories.list()
  const unchosen = all.filter(({ approval }) => approval === undefined).map(({ name }) => name)
  if (unchosen.length === 0) return
  const repositories = unchosen.slice(0, MOST_NAMED)
  log.warn(
    { repositories, of: unchosen.length },
    'commits of first-time contributors wait for approval from now on, and those that change what is run whoever they are by, since nobody has chosen: narwhal repo set NAME --approval …',
  )
}
