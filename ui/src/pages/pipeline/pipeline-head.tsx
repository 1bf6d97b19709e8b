import { placeWords } from '../../../../src/contract/rest/forge-words.ts'
import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { planNote } from '../../../../src/core/pipeline/plan-note.ts'
import { call } from '../../api.ts'
import { formatSha } from '../../format.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { Held } from '../../parts/held.tsx'
import { StatusBadge } from '../../parts/status-badge.tsx'
import { Ago, Duration } from '../../parts/times.tsx'
import { Link, navigate } from '../../router.tsx'
import { eventWords, requestWords } from '../../state/event-words.ts'
import { formatFilter } from '../../state/pipeline-filter.ts'
import { statusOf } from '../../state/status.ts'
import { ApprovalNotice, Approve } from './approve.tsx'
import { MissingJobs } from './missing-jobs.tsx'

export interface PipelineHeadProps {
  readonly pipeline: PipelineView
  /** Who cancelled it while it was running, and why. */
  readonly cancelled: string | undefined
}

export function PipelineHead({ pipeline, cancelled }: PipelineHeadProps) {
  const { event, repositoryName } = pipeline
  const ref = placeWords(event)
  const note = planNote(pipeline)
  return (
    <header className="pipeline-head">
      <p className="quiet small facts">
        <Link to={`/${formatFilter({ repository: repositoryName })}`}>{repositoryName}</Link>
        <span className="number">#{pipeline.number}</span>
        {pipeline.name ? <span>{pipeline.name}</span> : null}
      </p>
      <div className="page-head">
        <StatusBadge status={statusOf(pipeline)} />
        <h1>{event.title || formatSha(event.sha)}</h1>
        <Commands pipeline={pipeline} />
      </div>
      <p className="quiet facts">
        <Link to={`/${formatFilter({ repository: repositoryName, ref })}`} className="chip">
          {ref}
        </Link>
        <code title={event.sha}>{formatSha(event.sha)}</code>
        <span>{whyOf(pipeline)}</span>
        {requestWords(event).map((words) => (
          <span key={words}>{words}</span>
        ))}
        {pipeline.rerunOf ? (
          <span>
            <Link to={`/pipelines/${pipeline.rerunOf}`}>Rerun of an earlier pipeline</Link>
            {pipeline.startedBy ? ` by ${pipeline.startedBy}` : ''}
          </span>
        ) : null}
        <Ago at={pipeline.createdAt} />
        <Duration of={pipeline} />
        <Held pipeline={pipeline} />
        {pipeline.concurrencyGroup ? (
          <span>Concurrency group: {pipeline.concurrencyGroup}</span>
        ) : null}
        {cancelled ? <span>{cancelled}</span> : null}
      </p>
      <ApprovalNotice pipeline={pipeline} />
      {pipeline.reason ? <p className="notice">{pipeline.reason}</p> : null}
      {note ? <p className="notice">Note: {note}</p> : null}
      <MissingJobs pipeline={pipeline} />
    </header>
  )
}

/** What started it. */
function whyOf({ event, startedBy }: PipelineView): string {
  const by = event.author ? ` by ${event.author}` : ''
  const source = event.source === 'poll' ? ', found by polling' : ''
  if (event.kind === 'manual') {
    return `Started ${startedBy ? `by ${startedBy}` : 'manually'} · commit${by}`
  }
  return `${event.kind === 'push' ? 'Pushed' : eventWords(event)}${by}${source}`
}

function Commands({ pipeline }: { readonly pipeline: PipelineView }) {
  const params = { pipeline: pipeline.id }
  const rerun = async () => {
    const answer = await call('rerunPipeline', { params })
    navigate(`/pipelines/${answer.pipeline.id}`)
  }
  const rerunFailed = async () => void (await call('rerunFailed', { params }))
  const cancel = async () => void (await call('cancelPipeline', { params }))
  return (
    <div className="commands">
      <Approve pipeline={pipeline} />
      {hasFailed(pipeline) ? (
        <CommandButton run={rerunFailed} needs="member">
          Rerun failed jobs
        </CommandButton>
      ) : null}
      {pipeline.status === 'finished' ? (
        <CommandButton
          key="rerun"
          run={rerun}
          needs="member"
          shortcut={{ keys: 'r', words: 'Rerun pipeline' }}
        >
          Rerun
        </CommandButton>
      ) : (
        <CommandButton
          key="cancel"
          run={cancel}
          needs="member"
          shortcut={{ keys: 'x', words: 'Cancel pipeline' }}
        >
          Cancel
        </CommandButton>
      )}
    </div>
  )
}

/** Whether jobs can have failed: an invalid narwhal.yml has none. */
function hasFailed({ status, outcome, startedAt }: PipelineView): boolean {
  const isGood = outcome === 'success' || outcome === 'skipped'
  return status === 'finished' && !isGood && startedAt !== undefined
}
