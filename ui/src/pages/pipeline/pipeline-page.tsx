import type { JobView, PipelineView } from '../../../../src/contract/rest/views.ts'
import { call } from '../../api.ts'
import { useRowKeys } from '../../hooks/shortcuts.ts'
import { useSubject } from '../../live/use-subject.ts'
import { useFavicon } from '../../parts/favicon.ts'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'
import { Link } from '../../router.tsx'
import { jobToShow, NO_PIPELINE, reducePipelinePage } from '../../state/pipeline-page.ts'
import { statusOf } from '../../state/status.ts'
import { Overview } from '../pipelines/overview.tsx'
import { JobPanel } from './job-panel.tsx'
import { PipelineHead } from './pipeline-head.tsx'
import { Problems } from './problems.tsx'

export interface PipelinePageProps {
  readonly id: PipelineView['id']
  /** `?job=…&attempt=…` select what is shown. */
  readonly search: string
}

export function PipelinePage({ id, search }: PipelinePageProps) {
  const { state, error } = useSubject({
    key: id,
    topic: { kind: 'pipeline', pipelineId: id },
    load: async (signal) => {
      const loaded = await call('getPipeline', { params: { pipeline: id } }, signal)
      return { loaded, seq: loaded.seq }
    },
    reduce: reducePipelinePage,
    initial: NO_PIPELINE,
  })
  const { pipeline, jobs, statusRefusal } = state
  useFavicon(pipeline && statusOf(pipeline))
  useRowKeys()
  if (!pipeline) {
    return (
      <>
        <ErrorNotice error={error} />
        {error ? <Link to="/">View all pipelines</Link> : <Loading />}
      </>
    )
  }
  const params = new URLSearchParams(search)
  const job = jobs.find(({ id }) => id === params.get('job')) ?? jobToShow(jobs)
  const attempt = job ? chosenAttempt(job, params.get('attempt')) : 1
  return (
    <>
      <title>{`${pipeline.repositoryName} #${pipeline.number} · Narwhal`}</title>
      <PipelineHead pipeline={pipeline} cancelled={whyCancelled(pipeline, jobs)} />
      <ErrorNotice error={error} />
      {statusRefusal === undefined ? null : (
        <p className="notice" role="status">
          The forge refused this pipeline’s status: {statusRefusal}
        </p>
      )}
      <Problems problems={pipeline.problems} />
      {jobs.length > 0 ? (
        <Overview pipeline={pipeline} jobs={jobs} shown={job} params={params} />
      ) : null}
      {job ? <JobPanel key={`${job.id} ${attempt}`} job={job} attempt={attempt} /> : null}
      {!job && pipeline.status !== 'finished' && !pipeline.reason ? (
        <p className="quiet">Reading narwhal.yml…</p>
      ) : null}
    </>
  )
}

/** The jobs have the reason of a pipeline that was cancelled while running. */
function whyCancelled(pipeline: PipelineView, jobs: readonly JobView[]): string | undefined {
  if (pipeline.reason || pipeline.outcome !== 'cancelled') return undefined
  return jobs.find(({ outcome, reason }) => outcome === 'cancelled' && reason)?.reason
}

function chosenAttempt(job: JobView, chosen: string | null): number {
  const number = Number(chosen)
  return Number.isInteger(number) && number > 0 && number <= job.attempt ? number : job.attempt
}
