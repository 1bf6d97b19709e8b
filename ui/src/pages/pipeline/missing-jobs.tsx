import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { formatCount } from '../../format.ts'

const MAX_NAMES = 20

/** Jobs that the target branch of a stranger's pull request requires, and its own file does not. */
export function MissingJobs({ pipeline }: { readonly pipeline: PipelineView }) {
  const { missing = [], failed = [] } = pipeline.target ?? {}
  return (
    <>
      {missing.length > 0 ? (
        <JobsNotice names={missing} what="missing">
          The target branch’s narwhal.yml runs {missing.length === 1 ? 'it' : 'them'}, this commit’s
          does not, so the commit status is not a success.
        </JobsNotice>
      ) : null}
      {failed.length > 0 ? (
        <JobsNotice names={failed} what="failed">
          Only this commit’s narwhal.yml allows {failed.length === 1 ? 'it' : 'them'} to fail, so
          the commit status is not a success.
        </JobsNotice>
      ) : null}
    </>
  )
}

interface JobsNoticeProps {
  readonly names: readonly string[]
  readonly what: string
  readonly children: React.ReactNode
}

function JobsNotice({ names, what, children }: JobsNoticeProps) {
  const shown = names.slice(0, MAX_NAMES)
  return (
    <div className="notice missing-jobs">
      <strong>
        {formatCount(names.length, 'job')} {what}:
      </strong>{' '}
      {shown.map((name) => (
        <span key={name}>
          <code>{name}</code>{' '}
        </span>
      ))}
      {names.length > shown.length ? `and ${names.length - shown.length} more` : null}
      <p>{children}</p>
    </div>
  )
}
