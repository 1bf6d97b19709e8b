import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { formatCount } from '../../format.ts'

const MOST_NAMES = 20

/** What the branch that a stranger's pull request wants into would have run, and its own file has not. */
export function MissingJobs({ pipeline }: { readonly pipeline: PipelineView }) {
  const { missing = [], failed = [] } = pipeline.target ?? {}
  return (
    <>
      {missing.length > 0 ? (
        <Told names={missing} what="missing">
          The narwhal.yml of the branch that it wants into runs{' '}
          {missing.length === 1 ? 'it' : 'them'}, and the one of this commit does not. So its status
          is no success.
        </Told>
      ) : null}
      {failed.length > 0 ? (
        <Told names={failed} what="failed">
          Only the narwhal.yml of this commit lets {failed.length === 1 ? 'it' : 'them'} fail. So
          its status is no success.
        </Told>
      ) : null}
    </>
  )
}

interface ToldProps {
  readonly names: readonly string[]
  readonly what: string
  readonly children: React.ReactNode
}

function Told({ names, what, children }: ToldProps) {
  const shown = names.slice(0, MOST_NAMES)
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
