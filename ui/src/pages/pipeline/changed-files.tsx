import type { PipelineView } from '../../../../src/contract/rest/views.ts'
import { formatCount } from '../../format.ts'

interface ChangedFilesProps {
  readonly pipeline: PipelineView
  /** Whether they are shown before anybody asks. */
  readonly isOpen: boolean
}

/** Which files a stranger's commit changes: those that say what is run first, and marked. */
export function ChangedFiles({ pipeline, isOpen }: ChangedFilesProps) {
  const { changed } = pipeline
  if (!changed) {
    return (
      <p className="quiet small">
        Which files it changes is not known here: compare it with its branch at the forge.
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
            <code>{path}</code> <strong className="chip">says what is run</strong>
          </li>
        ))}
        {changed.others.map((path) => (
          <li key={path}>
            <code>{path}</code>
          </li>
        ))}
        {changed.total > shown ? (
          <li className="quiet">and {formatCount(changed.total - shown, 'file')} more</li>
        ) : null}
      </ul>
    </details>
  )
}

function summaryOf({ pipeline, total }: NonNullable<PipelineView['changed']>): string {
  const files = `Changes ${formatCount(total, 'file')}`
  const [first, second] = pipeline
  if (first === undefined) return files
  return `${files}, and what is run: ${first}${second === undefined ? '' : ', …'}`
}
