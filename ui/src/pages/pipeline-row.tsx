import { memo } from 'react'
import type { PipelineView } from '../../../src/contract/views.ts'
import { formatRef, formatSha } from '../format.ts'
import { StatusBadge } from '../parts/status-badge.tsx'
import { Ago, Duration } from '../parts/times.tsx'
import { Link } from '../router.tsx'
import { statusOf } from '../state/status.ts'

/** One pipeline in the list; the whole row is a link to its page. */
export const PipelineRow = memo(function PipelineRow(props: { readonly pipeline: PipelineView }) {
  const { pipeline } = props
  const { event } = pipeline
  return (
    <li>
      <Link to={`/pipelines/${pipeline.id}`} className="row">
        <StatusBadge status={statusOf(pipeline)} />
        <span className="what">
          <span className="title">{event.title || pipeline.name || formatSha(event.sha)}</span>
          <span className="quiet facts">
            <span>
              {pipeline.repositoryName} <span className="number">#{pipeline.number}</span>
            </span>
            <span className="ref">{formatRef(event.ref)}</span>
            <code>{formatSha(event.sha)}</code>
            <span className="author">{event.author}</span>
          </span>
        </span>
        <span className="quiet when">
          <Duration of={pipeline} />
          <Ago at={pipeline.createdAt} />
        </span>
      </Link>
    </li>
  )
})
