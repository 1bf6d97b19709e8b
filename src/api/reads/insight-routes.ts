import { stringify } from 'yaml'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import { resultOf } from '../../core/attempt/attempt.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Reads } from '../../store/store.ts'
import { getRepository } from '../lookups.ts'
import { viewRepository } from './repository-view.ts'
import { trendPoint } from './trend-point.ts'

/** The maximum number of repositories in the overview. */
const MAX_REPOSITORIES = 100

/** Adds statistics of many pipelines, and the configuration that one of them ran. */
export function registerInsights(
  server: HttpServer,
  store: Reads<'jobs' | 'pipelines' | 'repositories'>,
): void {
  registerActivity(server, store)
  registerTrends(server, store)
  registerPlacements(server, store)
  registerConfig(server, store)
}

function registerActivity(server: HttpServer, store: Reads<'pipelines' | 'repositories'>): void {
  route(server, ENDPOINTS.listActivity, async (request) => {
    const all = await store.repositories.list()
    const shown = all.toSorted((a, b) => a.name.localeCompare(b.name)).slice(0, MAX_REPOSITORIES)
    const repositories = []
    for (const record of shown) {
      const filter = { repositoryId: record.id, limit: request.query.runs }
      const runs = (await store.pipelines.listViews(filter)).map((pipeline) => {
        const { id, number, status, outcome, createdAt, startedAt, finishedAt } = pipeline
        return { id, number, status, outcome, createdAt, startedAt, finishedAt }
      })
      repositories.push({ repository: viewRepository(record), runs })
    }
    return { repositories }
  })
}

function registerTrends(
  server: HttpServer,
  store: Reads<'jobs' | 'pipelines' | 'repositories'>,
): void {
  route(server, ENDPOINTS.listTrends, async (request) => {
    const { id: repositoryId } = await getRepository(store, request.params.repository)
    const limit = request.query.pipelines
    const newest = await store.pipelines.listViews({ repositoryId, status: 'finished', limit })
    const points = []
    for (const pipeline of newest) {
      points.push(trendPoint(pipeline, await store.jobs.listViews(pipeline.id)))
    }
    return { points: points.filter((point) => point !== undefined).reverse() }
  })
}

function registerPlacements(server: HttpServer, store: Reads<'jobs'>): void {
  route(server, ENDPOINTS.listPlacements, async (request) => {
    const placements = await store.jobs.listPlacements(request.query.limit)
    return {
      placements: placements.map(({ attempt, ...job }) => ({
        ...job,
        attempt: attempt.number,
        runnerId: attempt.runnerId,
        runnerName: attempt.decision.runnerName,
        heuristic: attempt.decision.heuristic,
        reason: attempt.decision.reason,
        assignedAt: attempt.assignedAt,
        finishedAt: resultOf(attempt)?.finishedAt,
        outcome: resultOf(attempt)?.outcome,
      })),
    }
  })
}

function registerConfig(server: HttpServer, store: Reads<'pipelines'>): void {
  route(server, ENDPOINTS.getUsedConfig, async (request) => {
    const id = request.params.pipeline
    const found = await store.pipelines.find(id)
    if (!found) throw new NarwhalError('not_found', `there is no pipeline ${id}`)
    const jobs = found.jobs.map(({ spec: { name, ...spec } }) => [name, withoutEmpty(spec)])
    const { name } = found.pipeline
    const whole = { ...(name ? { name } : {}), jobs: Object.fromEntries(jobs) as unknown }
    return { yaml: stringify(whole, { lineWidth: 0 }) }
  })
}

/** Without empty lists and objects. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(
    ([, one]) => typeof one !== 'object' || one === null || Object.keys(one).length > 0,
  )
  return Object.fromEntries(entries.map(([key, one]) => [key, withoutEmpty(one)]))
}
