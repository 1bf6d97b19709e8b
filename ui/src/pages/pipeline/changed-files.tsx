import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { formatCount } from '../../format.ts'

interface ChangedFilesProps {
  readonly pipeline: PipelineView
  /** Whether they are shown initially. */
  readonly isOpen: boolean
}

/** The files that a stranger's commit changes: pipeline files first, and marked. */
export function ChangedFiles({ pipeline, isOpen }: ChangedFilesProps) {
  const { changed } = pipeline
  if (!changed) {
    return (
      <p className="quiet small">
        The changed files are unknown: compare the commit with its branch at the forge.
      </p>
    )
  }
  const shown = changed.pipeline.length + changed.others.length
  return (
    <details className="changed-files small" open={isOpen}>
      <summary>{summaryOf(changed)}</summary>
      <ul>
        {changed.pipeline.map((path) => (
          <li key={path}>
            <code>{path}</code> <strong className="chip">pipeline file</strong>
          </li>
        ))}
        {changed.others.map((path) => (
          <li key={path}>
            <code>{path}</code>
          </li>
        ))}
        {changed.total > shown ? (
          <li className="quiet">and {formatCount(changed.total - shown, 'more file')}</li>
        ) : null}
      </ul>
    </details>
  )
}

function summaryOf({ pipeline, total }: NonNullable<PipelineView['changed']>): string {
  const files = `Changes ${formatCount(total, 'file')}`
  const [first, second] = pipeline
  if (first === undefined) return files
  return `${files}; pipeline files: ${first}${second === undefined ? '' : ', …'}`
}
