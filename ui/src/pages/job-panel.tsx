import type { AttemptView, JobView } from '../../../src/contract/views.ts'
import { postJson } from '../api.ts'
import { LogView } from '../log/log-view.tsx'
import { CommandButton } from '../parts/command-button.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import { Duration } from '../parts/times.tsx'
import { Link, navigate } from '../router.tsx'
import { statusOf } from '../state/status.ts'

export interface JobPanelProps {
  readonly job: JobView
  /** The attempt that is shown; the newest may still wait for a runner. */
  readonly attempt: number
}

export function JobPanel({ job, attempt }: JobPanelProps) {
  const shown = job.attempts.find(({ number }) => number === attempt)
  const path = `/jobs/${job.id}`
  const rerun = async () => {
    await postJson(`${path}/rerun`)
    navigate(`/pipelines/${job.pipelineId}?job=${job.id}`, { replace: true })
  }
  const subject = shown && attempt < job.attempt ? shown : job
  return (
    <section className="job" aria-label={`Job ${job.name}`}>
      <header className="job-head">
        <h2>{job.name}</h2>
        <StatusBadge status={statusOf(subject)} />
        <span className="quiet facts">
          <Duration of={subject} />
          {job.image ? <code>{job.image}</code> : null}
          {shown ? <span title={shown.decision.reason}>on {shown.decision.runnerName}</span> : null}
        </span>
        <div className="commands">
          {job.status === 'finished' ? (
            <CommandButton run={rerun}>Rerun this job</CommandButton>
          ) : null}
        </div>
      </header>
      <Attempts job={job} attempt={attempt} />
      {subject.reason ? <p className="notice">{subject.reason}</p> : null}
      <LogView
        jobId={job.id}
        attempt={attempt}
        steps={stepsOf(job, shown)}
        stored={shown?.lines ?? 0}
      />
    </section>
  )
}

function Attempts({ job, attempt }: JobPanelProps) {
  if (job.attempt === 1) return null
  const numbers = Array.from({ length: job.attempt }, (_, index) => index + 1)
  return (
    <nav className="attempts" aria-label="Attempts">
      {numbers.map((number) => (
        <Link
          key={number}
          to={`/pipelines/${job.pipelineId}?job=${job.id}&attempt=${number}`}
          isCurrent={number === attempt}
        >
          Attempt {number}
        </Link>
      ))}
    </nav>
  )
}

/** The steps as the runner told them; before that, as the file names them. */
function stepsOf(job: JobView, attempt: AttemptView | undefined): AttemptView['steps'] {
  if (attempt && attempt.steps.length > 0) return attempt.steps
  return job.stepNames.map((name, index) => ({ index, name, status: 'waiting' }))
}
