import type { PipelineView } from '../../contract/rest/views.ts'
import { cleanText } from '../terminal/clean-text.ts'

type Changed = PipelineView['changed']

/** `12 files, narwhal.yml`: how much a stranger's commit changes, and what of it says what is run. */
export function changedWords(changed: Changed): string {
  if (!changed) return 'not known'
  const files = `${changed.total} ${changed.total === 1 ? 'file' : 'files'}`
  const [first] = changed.pipeline
  if (first === undefined) return files
  const more = changed.pipeline.length > 1 ? ', …' : ''
  return `${files}: ${cleanText(first)}${more}`
}

/** The files themselves, those first that say what is run; none where they are not known. */
export function changedLines(changed: Changed): string[] {
  if (!changed) return []
  const { pipeline, others, total } = changed
  const left = total - pipeline.length - others.length
  return [
    ...pipeline.map((path) => `${cleanText(path)} (says what is run)`),
    ...others.map(cleanText),
    ...(left > 0 ? [`and ${left} more`] : []),
  ]
}
