import type { PipelineView } from '../../../src/contract/rest/views.ts'

/** Whether a pipeline is exempt from retention. */
export function isHeld({ hold }: Pick<PipelineView, 'hold'>): boolean {
  return hold !== undefined && hold.until > Date.now()
}

/** Until when, by whom and why a pipeline is kept. */
export function Held({ pipeline }: { readonly pipeline: PipelineView }) {
  const { hold } = pipeline
  if (!hold || !isHeld(pipeline)) return null
  const day = new Date(hold.until).toISOString().slice(0, 10)
  return (
    <span title={hold.because}>
      Kept until {day}
      {hold.by === undefined ? '' : ` by ${hold.by}`}: {hold.because}
    </span>
  )
}
