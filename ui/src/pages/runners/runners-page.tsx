import { call } from '../../api.ts'
import { useSubject } from '../../live/use-subject.ts'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'
import {
  type LoadedRunners,
  MOST_SAMPLES,
  NO_RUNNERS,
  reduceRunnerList,
} from '../../state/runner-list.ts'
import { PlacementMap } from './placement-map.tsx'
import { RunnerCard } from './runner-card.tsx'
import { usePlacements } from './use-placements.ts'

export function RunnersPage() {
  const { state, error } = useSubject({
    key: 'runners',
    topic: { kind: 'runners' },
    load: loadRunners,
    reduce: reduceRunnerList,
    initial: NO_RUNNERS,
  })
  const placements = usePlacements()
  return (
    <>
      <title>Runners · Narwhal</title>
      <div className="page-head">
        <h1>Runners</h1>
      </div>
      <ErrorNotice error={error} />
      {!state.isLoaded && !error ? <Loading /> : null}
      {state.isLoaded && state.runners.length === 0 ? (
        <section className="empty">
          <h2>No runners</h2>
          <p>Jobs wait until a runner joins. Start one:</p>
          <pre tabIndex={0}>
            <code>{`./narwhal runner --dispatcher ${location.origin}`}</code>
          </pre>
        </section>
      ) : null}
      <div className="cards">
        {state.runners.map((runner) => (
          <RunnerCard
            key={runner.id}
            runner={runner}
            samples={state.samples[runner.id] ?? []}
            placements={placements.filter(({ runnerId }) => runnerId === runner.id)}
          />
        ))}
      </div>
      <PlacementMap placements={placements} />
    </>
  )
}

async function loadRunners(signal: AbortSignal): Promise<{ loaded: LoadedRunners; seq: number }> {
  const { seq } = await call('status', {}, signal)
  const { runners } = await call('listRunners', {}, signal)
  const series = await Promise.all(
    runners.map(async ({ id }) => {
      const given = { params: { runner: id }, query: { points: MOST_SAMPLES } }
      // Cards are still useful without their charts.
      const answer = await call('listRunnerSamples', given, signal).catch(() => undefined)
      return [id, answer?.samples ?? []] as const
    }),
  )
  return { loaded: { runners, samples: Object.fromEntries(series) }, seq }
}
