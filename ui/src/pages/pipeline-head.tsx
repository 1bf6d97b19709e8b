import type { PipelineView } from '../../../src/contract/views.ts'
import { postJson } from '../api.ts'
import { formatRef, formatSha } from '../format.ts'
import { CommandButton } from '../parts/command-button.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { Ago, Duration } from '../parts/times.tsx'
import { Link, navigate } from '../router.tsx'
import { statusOf } from '../state/status.ts'

const SOURCES = { push: 'push', pull_request: 'pull request', tag: 'tag', manual: 'by hand' }

export function PipelineHead({ pipeline }: { readonly pipeline: PipelineView }) {
  const { event } = pipeline
  return (
    <header className="pipeline-head">
      <p className="quiet crumbs">
        <Link to={`/?text=${encodeURIComponent(pipeline.repositoryName)}`}>
          {pipeline.repositoryName}
        </Link>{' '}
        <span className="number">#{pipeline.number}</span>
        {pipeline.name ? ` · ${pipeline.name}` : ''}
        {pipeline.rerunOf ? (
          <>
            {' · '}
            <Link to={`/pipelines/${pipeline.rerunOf}`}>rerun of an earlier one</Link>
          </>
        ) : null}
      </p>
      <div className="head-line">
        <StatusBadge status={statusOf(pipeline)} />
        <h1>{event.title || formatSha(event.sha)}</h1>
        <Commands pipeline={pipeline} />
      </div>
      <p className="quiet facts">
        <span className="ref">{formatRef(event.ref)}</span>
        <code title={event.sha}>{formatSha(event.sha)}</code>
        <span>{event.author}</span>
        <span>{SOURCES[event.kind]}</span>
        <Duration of={pipeline} />
        <Ago at={pipeline.createdAt} />
      </p>
      {pipeline.reason ? <p className="notice">{pipeline.reason}</p> : null}
    </header>
  )
}

function Commands({ pipeline }: { readonly pipeline: PipelineView }) {
  const path = `/pipelines/${pipeline.id}`
  const rerun = async () => {
    const answer = await postJson<{ pipeline: PipelineView }>(`${path}/rerun`)
    navigate(`/pipelines/${answer.pipeline.id}`)
  }
  const cancel = async () => void (await postJson(`${path}/cancel`))
  return (
    <div className="commands">
      {pipeline.status === 'finished' ? (
        <CommandButton run={rerun}>Rerun</CommandButton>
      ) : (
        <CommandButton run={cancel}>Cancel</CommandButton>
      )}
    </div>
  )
}
