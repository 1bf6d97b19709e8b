import type { PipelineView } from './views.ts'

/** What people should know about the latest plan of a pipeline, on one line; hostile text. */
export function planNote({ phases }: Pick<PipelineView, 'phases'>): string | undefined {
  return phases.findLast(({ name }) => name === 'plan')?.note
}
