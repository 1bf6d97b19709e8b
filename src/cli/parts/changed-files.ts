import type { PipelineView } from '../../contract/rest/views.ts'
import { cleanText } from '../terminal/clean-text.ts'

type Changed = PipelineView['changed']

/** `12 files: narwhal.yml`: how many files a stranger's commit changes, and which pipeline files. */
export function changedWords(changed: Changed): string {
  if (!changed) return 'unknown'
  const files = `${changed.total} ${changed.total === 1 ? 'file' : 'files'}`
  const [first] = changed.pipeline
  if (first === undefined) return files
  const more = changed.pipeline.length > 1 ? ', …' : ''
  return `${files}: ${cleanText(first)}${more}`
}

/** The files, pipeline files first; empty if unknown. */
export function changedLines(changed: Changed): string[] {
  if (!changed) return []
  const { pipeline, others, total } = changed
  const left = total - pipeline.length - others.length
  return [
    ...pipeline.map((path) => `${cleanText(path)} (pipeline file)`),
    ...others.map(cleanText),
    ...(left > 0 ? [`and ${left} more`] : []),
  ]
}
