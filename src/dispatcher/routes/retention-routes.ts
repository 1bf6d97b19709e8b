import { doerOf } from '../../api/auth/doer-of.ts'
import { whoAsks } from '../../api/auth/who-asks.ts'
import { FairPlaces } from '../../api/logs/fair-places.ts'
import { getRepository } from '../../api/lookups.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import { type RetentionState } from '../../contract/rest/rest-retention.ts'
import type { Keep, KeepRules } from '../../core/keeping.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { Uses } from '../../store/store.ts'
import type { DatabaseGuard } from '../ledger/database-guard.ts'
import { previewRetention } from '../retention/preview-retention.ts'
import type { Retention } from '../retention/retention.ts'

export interface RetentionRouteDeps {
  readonly store: Uses<'repositories' | 'retention' | 'room' | 'transact'>
  readonly rules: KeepRules
  readonly retention?: Retention | undefined
  readonly guard?: DatabaseGuard | undefined
}

const DAY_MS = 86_400_000
/** Each preview reads everything. */
const PREVIEWS = { atOnce: 1, atOnceOfOne: 1, waiting: 4, ofOne: 2, doing: 'previews are made' }

/** Adds viewing and previewing retention, and setting it for a repository. */
export function addRetentionRoutes(server: HttpServer, deps: RetentionRouteDeps): void {
  const { store, rules } = deps
  const places = new FairPlaces(PREVIEWS)
  route(server, ENDPOINTS.getRetention, () => stateOf(deps))
  route(server, ENDPOINTS.previewRetention, async (request, reply) => {
    const gone = new AbortController()
    const disconnected = new NarwhalError('cancelled', 'the client has disconnected')
    reply.raw.once('close', () => gone.abort(disconnected))
    using _place = await places.take(whoAsks(request), gone.signal)
    return await previewRetention(store, rules, { now: Date.now(), signal: gone.signal })
  })
  route(server, ENDPOINTS.keepRepository, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    const { logs, pipelines } = request.body
    await store.transact(async (write) => {
      await write.retention.setRules(repository.id, {
        ...ruleOf('logs', logs),
        ...ruleOf('pipelines', pipelines),
      })
      const after = { settings: [`keep-logs ${logs}`, `keep-pipelines ${pipelines}`] }
      write.audit.add(doerOf(request), { action: 'repository.changed', subject: repository, after })
    })
    return { ok: true } as const
  })
}

function ruleOf<Name extends keyof KeepRules>(
  name: Name,
  chosen: string,
): { [Key in Name]?: Keep } {
  if (chosen === 'default') return {}
  const keep: Keep = chosen === 'forever' ? chosen : Number.parseInt(chosen, 10) * DAY_MS
  return { [name]: keep } as { [Key in Name]?: Keep }
}

async function stateOf({
  store,
  rules,
  retention,
  guard,
}: RetentionRouteDeps): Promise<RetentionState> {
  const beginsAt = await store.retention.begins()
  const all = await store.retention.listRules()
  const own = all.filter(
    ({ logs, pipelines, removedAt }) =>
      removedAt === undefined && (logs ?? pipelines) !== undefined,
  )
  const room = guard?.room ?? (await store.room())
  const nothing = { pipelines: 0, logs: 0, bytes: 0, repositories: 0, failed: 0 }
  return {
    rules,
    repositories: own.map(({ name, logs, pipelines }) => ({ name, logs, pipelines })),
    ...present({
      beginsAt: beginsAt > Date.now() ? beginsAt : undefined,
      lastRound: retention?.lastRound,
    }),
    total: retention?.total ?? nothing,
    longestStepMs: Math.ceil(retention?.steps.longestMs ?? 0),
    database: { ...room, ...present({ shortage: guard?.shortage }) },
  }
}
