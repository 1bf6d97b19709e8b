import type { PipelineView } from '../../../src/contract/views.ts'
import { postJson } from '../api.ts'
import { formatRef, formatSha } from '../format.ts'
import { CommandButton } from '../parts/command-button.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { Ago, Duration } from '../parts/times.tsx'
import { Link, navigate } from '../router.tsx'
import { formatFilter } from '../state/pipeline-filter.ts'
import { statusOf } from '../state/status.ts'

export interface PipelineHeadProps {
  readonly pipeline: PipelineView
  /** Why it ended as it did, where that is known. */
  readonly reason: string | undefined
}

export function PipelineHead({ pipeline, reason }: PipelineHeadProps) {
  const { event, repositoryName } = pipeline
  const ref = formatRef(event.ref)
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
        {pipeline.rerunOf ? (
          <span>
            <Link to={`/pipelines/${pipeline.rerunOf}`}>rerun of an earlier one</Link>
            {pipeline.startedBy ? ` by ${pipeline.startedBy}` : ''}
          </span>
        ) : null}
        <Ago at={pipeline.createdAt} />
        <Duration of={pipeline} />
      </p>
      {reason ? <p className="notice">{reason}</p> : null}
    </header>
  )
}

/** Why it ran, in words. */
function whyOf({ event, startedBy }: PipelineView): string {
  const by = event.author ? ` by ${event.author}` : ''
  const source = event.source === 'poll' ? ', found by polling' : ''
  if (event.kind === 'manual') {
    return `started by ${startedBy ?? 'hand'}, commit${by}`
  }
  if (event.kind === 'tag') return `tag${by}${source}`
  return `${event.kind === 'push' ? 'pushed' : 'pull request'}${by}${source}`
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
        <CommandButton
          run={rerun}
          needs="member"
          shortcut={{ keys: 'r', words: 'Rerun the pipeline' }}
        >
          Rerun
        </CommandButton>
      ) : (
        <CommandButton
          run={cancel}
          needs="member"
          shortcut={{ keys: 'x', words: 'Cancel the pipeline' }}
        >
          Cancel
        </CommandButton>
      )}
    </div>
  )
}
