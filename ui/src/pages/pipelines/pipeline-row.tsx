import { memo } from 'react'
import { placeWords } from '../../../../src/contract/rest/forge-words.ts'
import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { call } from '../../api.ts'
import { formatSha } from '../../format.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { isHeld } from '../../parts/held.tsx'
import { StatusBadge } from '../../parts/status-badge.tsx'
import { Ago, Duration } from '../../parts/times.tsx'
import { Link } from '../../router.tsx'
import { eventWords } from '../../state/event-words.ts'
import { statusOf } from '../../state/status.ts'

/** One pipeline in the list; the whole row is a link. */
export const PipelineRow = memo(function PipelineRow(props: { readonly pipeline: PipelineView }) {
  const { pipeline } = props
  const { event } = pipeline
  const isOver = pipeline.status === 'finished'
  const command = async () => {
    await call(isOver ? 'rerunPipeline' : 'cancelPipeline', { params: { pipeline: pipeline.id } })
  }
  return (
    <>
      <StatusBadge status={statusOf(pipeline)} />
      <div className="what">
        <Link to={`/pipelines/${pipeline.id}`} className="title" isRow>
          {event.title || pipeline.name || formatSha(event.sha)}
        </Link>
        <p className="quiet small facts">
          <span>
            {pipeline.repositoryName} <span className="number">#{pipeline.number}</span>
          </span>
          <code>{formatSha(event.sha)}</code>
          <span>{event.author}</span>
          <span className="kind">{eventWords(event).toLowerCase()}</span>
          {isHeld(pipeline) ? <span>kept</span> : null}
          {pipeline.reason ? <span className="reason">{pipeline.reason}</span> : null}
        </p>
      </div>
      <span className="chip">{placeWords(event)}</span>
      <span className="when quiet small">
        <Duration of={pipeline} />
        <Ago at={pipeline.createdAt} />
      </span>
      <span className="row-command">
        <CommandButton key={`${isOver}`} run={command} needs="member" isSmall>
          {isOver ? 'Rerun' : 'Cancel'}
        </CommandButton>
      </span>
    </>
  )
})
