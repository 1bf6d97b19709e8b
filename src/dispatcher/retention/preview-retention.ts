import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RetentionPreview } from '../../contract/rest/rest-retention.ts'
import { type KeepRules, newSieve } from '../../core/keeping.ts'
import { present } from '../../lib/present.ts'
import type { AgedPlace, RepositoryRules } from '../../store/ports/retention.ts'
import type { Reads } from '../../store/store.ts'
import { rulesOf } from './retention.ts'

const PAGE = 500

type RetentionStore = Reads<'retention'>

/** What a round would delete now under the present rules; works step by step, and deletes nothing. */
export async function previewRetention(
  store: RetentionStore,
  rules: KeepRules,
  { now, signal }: { readonly now: number; readonly signal: AbortSignal },
): Promise<RetentionPreview> {
  const repositories = []
  for (const repository of await store.retention.listRules()) {
    if (repository.removedAt !== undefined) continue
    const own = rulesOf(repository, rules)
    if (own.logs === 'forever' && own.pipelines === 'forever') continue
    const found = await previewOne(store, repository, { rules: own, now, signal })
    repositories.push({ name: repository.name, ...found })
  }
  return { repositories }
}

async function previewOne(
  store: RetentionStore,
  { id }: RepositoryRules,
  options: { readonly rules: KeepRules; readonly now: number; readonly signal: AbortSignal },
): Promise<Omit<RetentionPreview['repositories'][number], 'name'>> {
  const { rules, now, signal } = options
  const sieve = newSieve(rules, now, await store.retention.listHeld(id, now))
  const count = { pipelines: 0, logs: 0, bytes: 0 }
  let oldestAt: number | undefined
  for (let after: AgedPlace | undefined; ; ) {
    const page = await store.retention.listAged(id, { limit: PAGE, ...present({ after }) })
    for (const pipeline of page) {
      const what = sieve(pipeline)
      if (what === 'nothing') continue
      count[what === 'logs' ? 'logs' : 'pipelines']++
      count.bytes += await store.retention.logBytes(pipeline.id)
      oldestAt = pipeline.createdAt
      if ((count.logs + count.pipelines) % 50 === 0) await nextTurn()
    }
    after = page.at(-1)
    if (page.length < PAGE) return { ...count, ...present({ oldestAt }) }
    await nextTurn()
    signal.throwIfAborted()
  }
}
