import type { LiveSource } from '../api/live-source.ts'
import { getRunner } from '../api/lookups.ts'
import { ENDPOINTS } from '../contract/rest/endpoints/endpoints.ts'
import { MOST_SAMPLES } from '../contract/rest/rest.ts'
import type { RunnerSample } from '../contract/rest/views.ts'
import type { RunnerId } from '../core/ids.ts'
import type { HttpServer } from '../http/http-server.ts'
import { route } from '../http/route.ts'
import type { Reads } from '../store/store.ts'

const KEEP_MS = 60 * 60 * 1000
/** Runners whose samples are kept; beyond this the one without samples for longest is dropped. */
const MAX_RUNNERS = 500

/**
 * The last hour of each runner's load, from the event queue, in memory: about 100 bytes a point. Beyond
 * the limit samples are thinned out, oldest first.
 */
export class RunnerSamples implements Disposable {
  /** By the time of the last sample, oldest first. */
  readonly #series = new Map<RunnerId, RunnerSample[]>()
  readonly #hearing: Disposable

  constructor(live: LiveSource) {
    this.#hearing = live.listen((event) => {
      if (event.type === 'runner.sampled') this.add(event.sample)
    })
  }

  add(sample: RunnerSample): void {
    const series = this.#series.get(sample.runnerId) ?? []
    const last = series.at(-1)
    if (last && last.at >= sample.at) return
    series.push(sample)
    this.#series.delete(sample.runnerId)
    this.#series.set(sample.runnerId, trim(series, sample.at - KEEP_MS))
    const [silent] = this.#series.keys()
    if (this.#series.size > MAX_RUNNERS && silent) this.#series.delete(silent)
  }

  /** At most `points` samples of the last hour, oldest first, evenly spaced if there are more. */
  list(runnerId: RunnerId, points: number): RunnerSample[] {
    return pick(this.#series.get(runnerId) ?? [], points)
  }

  [Symbol.dispose](): void {
    this.#hearing[Symbol.dispose]()
  }
}

function trim(series: RunnerSample[], since: number): RunnerSample[] {
  if (series.length <= MOST_SAMPLES) return series
  const young = series.filter(({ at }) => at >= since)
  if (young.length <= MOST_SAMPLES) return young
  // Drops every second one of the older half, so that the newest keep their resolution.
  const half = young.length >> 1
  return young.filter((_, index) => index >= half || index % 2 === 0)
}

function pick(series: readonly RunnerSample[], points: number): RunnerSample[] {
  if (series.length <= points) return [...series]
  const stride = (series.length - 1) / Math.max(1, points - 1)
  return Array.from({ length: points }, (_, index) => {
    const at = points === 1 ? series.length - 1 : Math.round(index * stride)
    return series[at] as RunnerSample
  })
}

/** Adds a runner's load over the last hour, as far as this process has received it. */
export function registerRunnerSamples(
  server: HttpServer,
  deps: { readonly store: Reads<'runners'>; readonly samples: RunnerSamples },
): void {
  route(server, ENDPOINTS.listRunnerSamples, async (request) => {
    const { id } = await getRunner(deps.store, request.params.runner)
    return { samples: deps.samples.list(id, request.query.points) }
  })
}
