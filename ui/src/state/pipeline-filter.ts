import type { PipelineView } from '../../../src/contract/views.ts'

/** What the list of pipelines is narrowed to; it lives in the page's URL. */
export interface PipelineFilter {
  readonly text: string
  /** A status or an outcome; empty for all. */
  readonly status: string
}

export const FILTER_STATUSES = [
  'pending',
  'running',
  'success',
  'failure',
  'error',
  'cancelled',
  'timeout',
] as const

export function parseFilter(search: string): PipelineFilter {
  const params = new URLSearchParams(search)
  const status = params.get('status') ?? ''
  const isKnown = (FILTER_STATUSES as readonly string[]).includes(status)
  return { text: (params.get('text') ?? '').slice(0, 200), status: isKnown ? status : '' }
}

/** The query of the page's URL, empty or with its `?`. */
export function formatFilter({ text, status }: PipelineFilter): string {
  const params = new URLSearchParams()
  if (text) params.set('text', text)
  if (status) params.set('status', status)
  return params.size > 0 ? `?${params}` : ''
}

/** The same in the words of the REST API. */
export function filterQuery({ text, status }: PipelineFilter): URLSearchParams {
  const params = new URLSearchParams()
  if (text) params.set('text', text)
  if (status)
    params.set(status === 'pending' || status === 'running' ? 'status' : 'outcome', status)
  return params
}

/** Whether a pipeline that came live belongs into the list; as the API decides it. */
export function matchesFilter(pipeline: PipelineView, { text, status }: PipelineFilter): boolean {
  if (status && (pipeline.outcome ?? pipeline.status) !== status) return false
  if (!text) return true
  const wanted = text.toLowerCase()
  const { event, repositoryName } = pipeline
  const parts = [event.title, event.ref, event.author, repositoryName]
  return parts.some((part) => part.toLowerCase().includes(wanted)) || event.sha.startsWith(wanted)
}
