import type { Logger } from '../../lib/log.ts'
import type { Reads } from '../../store/store.ts'

const MOST_NAMED = 20

/**
 * Logs the repositories that were registered before the setting existed: its default has changed their
 * behaviour.
 */
export async function logUnsetApproval(store: Reads<'repositories'>, log: Logger): Promise<void> {
  const all = await store.repositories.list()
  const unset = all.filter(({ approval }) => approval === undefined).map(({ name }) => name)
  if (unset.length === 0) return
  const repositories = unset.slice(0, MOST_NAMED)
  log.warn(
    { repositories, of: unset.length },
    'approval not set: commits by first-time contributors, and commits that change what is run, now wait for approval by default; choose with narwhal repo set NAME --approval …',
  )
}
