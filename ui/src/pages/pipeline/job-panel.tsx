import { imagesOf } from '../../../../src/contract/rest/images-of.ts'
import type { AttemptView, JobView } from '../../../../src/contract/rest/views.ts'
import { call } from '../../api.ts'
import { LogView } from '../../log/log-view.tsx'
import { CommandButton } from '../../parts/command-button.tsx'
import { StatusBadge } from '../../parts/status-badge.tsx'
import { Duration } from '../../parts/times.tsx'
import { Link, navigate } from '../../router.tsx'
import { statusOf } from '../../state/status.ts'
import { Placement } from '../runners/placement.tsx'

export interface JobPanelProps {
  readonly job: JobView
  /** The attempt shown; the newest may still be waiting for a runner. */
  readonly attempt: number
}

export function JobPanel({ job, attempt }: JobPanelProps) {
  const shown = job.attempts.find(({ number }) => number === attempt)
  const digests = Object.fromEntries(imagesOf(shown).map(({ image, digest }) => [image, digest]))
  const params = { job: job.id }
  const rerun = async () => {
    await call('rerunJob', { params })
    navigate(`/pipelines/${job.pipelineId}?job=${job.id}`, { replace: true })
  }
  const cancel = async () => void (await call('cancelJob', { params }))
  const subject = shown && attempt < job.attempt ? shown : job
  return (
    <section className="job" aria-label={`Job ${job.name}`}>
      <header className="section-head job-head">
        <h2>{job.name}</h2>
        <StatusBadge status={statusOf(subject)} />
        <span className="quiet small facts">
          <Duration of={subject} />
          {shown && subject.reason ? <span className="reason">{subject.reason}</span> : null}
          {job.image ? <code>{job.image}</code> : null}
          {shown?.askedBy ? <span>Rerun by {shown.askedBy}</span> : null}
          {job.labels.length > 0 ? <span>Labels: {job.labels.join(', ')}</span> : null}
          {job.concurrencyGroup ? <span>Concurrency group: {job.concurrencyGroup}</span> : null}
        </span>
        <Attempts job={job} attempt={attempt} />
        <div className="commands">
          {job.status === 'finished' ? (
            <CommandButton key="rerun" run={rerun} needs="member" isSmall>
              Rerun job
            </CommandButton>
          ) : (
            <CommandButton key="cancel" run={cancel} needs="member" isSmall>
              Cancel job
            </CommandButton>
          )}
        </div>
      </header>
      <Placement job={job} attempt={shown} />
      <LogView
        // Re-read after a redaction.
        key={`${job.id} ${attempt} ${shown?.redactedAt ?? ''}`}
        jobId={job.id}
        attempt={attempt}
        steps={stepsOf(job, shown)}
        startedAt={shown?.startedAt ?? shown?.assignedAt ?? 0}
      />
      <Values title="Outputs" of={shown?.outputs ?? {}} />
      <Values title="Images" of={digests} />
    </section>
  )
}

interface ValuesProps {
  readonly title: string
  readonly of: Readonly<Record<string, string>>
}

/** What an attempt has produced. It comes late, so it is below the log, where nothing moves. */
function Values({ title, of }: ValuesProps) {
  const values = Object.entries(of)
  if (values.length === 0) return null
  return (
    <section className="outputs small" aria-label={title}>
      <h3>{title}</h3>
      <dl className="details">
        {values.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code>{value}</code>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Attempts({ job, attempt }: JobPanelProps) {
  if (job.attempt === 1) return null
  const numbers = Array.from({ length: job.attempt }, (_, index) => index + 1)
  return (
    <nav className="tabs" aria-label="Attempts">
      {numbers.map((number) => {
        const of = job.attempts.find((one) => one.number === number)
        return (
          <Link
            key={number}
            to={`/pipelines/${job.pipelineId}?job=${job.id}&attempt=${number}`}
            isCurrent={number === attempt}
            isInPlace
          >
            <StatusBadge status={of ? statusOf(of) : 'queued'} isSmall /> Attempt {number}
          </Link>
        )
      })}
    </nav>
  )
}

/** The steps as the runner reported them; until then, by their names in the file. */
function stepsOf(job: JobView, attempt: AttemptView | undefined): AttemptView['steps'] {
  if (attempt && attempt.steps.length > 0) return attempt.steps
  return job.stepNames.map((name, index) => ({ index, name, status: 'waiting' }))
}
