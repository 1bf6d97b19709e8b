import { useEffect } from 'react'
import { placeWords } from '../../../../src/contract/rest/forge-words.ts'
import { STRANGER_WORDS, waitWords } from '../../../../src/contract/rest/stranger-words.ts'
import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { call } from '../../api.ts'
import { formatSha } from '../../format.ts'
import { useRowKeys } from '../../hooks/shortcuts.ts'
import { useRead } from '../../hooks/use-read.ts'
import { live } from '../../live/live.ts'
import { CommandForm } from '../../parts/command-form.tsx'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'
import { useMay } from '../../parts/session.ts'
import { Ago } from '../../parts/times.tsx'
import { Link } from '../../router.tsx'
import { reviewedOf } from '../pipeline/approve.tsx'
import { ChangedFiles } from '../pipeline/changed-files.tsx'

/** Pipelines waiting for approval, across all repositories; several can be approved at once. */
export function ApprovalsPage() {
  const { answer, error, reload } = useRead('listAwaiting', { query: { limit: 200 } })
  const may = useMay('member')
  useRowKeys()
  useEffect(
    () =>
      live.subscribe({ kind: 'everything' }, undefined, {
        onEvent: (event) => {
          if (event.type === 'pipeline.changed' && event.pipeline.event.stranger) reload()
        },
      }),
    [reload],
  )
  const pipelines = answer?.pipelines
  const approve = async (entered: FormData) => {
    const chosen = pipelines?.filter(({ id }) => entered.has(id)) ?? []
    if (chosen.length === 0) throw new Error('Select pipelines to approve.')
    const approvals = chosen.map((one) => ({ pipeline: one.id, ...reviewedOf(one) }))
    const answers = await call('approveMany', { body: { approvals } })
    reload()
    const refused = answers.approvals.find(({ approved }) => !approved)
    if (refused) throw new Error(refused.message)
  }
  return (
    <>
      <title>Approvals · Narwhal</title>
      <div className="page-head">
        <h1>Approvals</h1>
      </div>
      <ErrorNotice error={error} />
      {!pipelines && !error ? <Loading /> : null}
      {pipelines?.length === 0 ? (
        <section className="empty">
          <h2>Nothing to approve</h2>
          <p>Commits of strangers wait here before they run.</p>
        </section>
      ) : null}
      {pipelines && pipelines.length > 0 ? (
        <CommandForm run={approve} action="Approve selected" isDisabled={!may}>
          <p className="quiet">
            Approval covers all files of a commit, not only narwhal.yml: review them first.
          </p>
          <ol className="panel rows" aria-label="Waiting for approval, longest first">
            {pipelines.map((one) => (
              <Row key={one.id} pipeline={one} />
            ))}
          </ol>
        </CommandForm>
      ) : null}
    </>
  )
}

function Row({ pipeline }: { readonly pipeline: PipelineView }) {
  const { approval, event, id } = pipeline
  const name = `${pipeline.repositoryName} #${pipeline.number}`
  const why = waitWords(approval)
  const isForRun = approval?.status === 'needed' && approval.for === 'run'
  return (
    <li className="row is-queued">
      <input type="checkbox" name={id} aria-label={`Approve ${name}`} />
      <div className="what">
        <Link to={`/pipelines/${id}`} className="title" isRow>
          {event.title || formatSha(event.sha)}
        </Link>
        <p className="quiet small facts">
          <span>{name}</span>
          <code title={event.sha}>{formatSha(event.sha)}</code>
          <span>{event.author}</span>
          <span>{placeWords(event)}</span>
          <span>{isForRun ? 'to run' : 'to use secrets'}</span>
          {event.stranger ? <span className="reason">{STRANGER_WORDS[event.stranger]}</span> : null}
          {why === undefined ? null : <span className="reason">{why}</span>}
        </p>
        <ChangedFiles pipeline={pipeline} isOpen={false} />
      </div>
      <span className="when quiet small">
        <Ago at={(approval?.status === 'needed' && approval.since) || pipeline.createdAt} />
      </span>
    </li>
  )
}
