import type { PipelineView } from '../../../src/contract/rest/views.ts'
import type { Given } from '../api.ts'

/** The filter of the list of pipelines; kept in the URL. Empty: any. */
export interface PipelineFilter {
  readonly text: string
  /** A status or an outcome. */
  readonly status: string
  /** A repository's name. */
  readonly repository: string
  /** A branch or tag in short, or a full ref. */
  readonly ref: string
  readonly author: string
  readonly kind: string
}

const OUTCOMES = ['success', 'failure', 'error', 'cancelled', 'timeout'] as const
export const FILTER_STATUSES = ['pending', 'running', ...OUTCOMES] as const

export const KIND_WORDS: Readonly<Record<PipelineView['event']['kind'], string>> = {
  push: 'Push',
  pull_request: 'Pull request',
  tag: 'Tag',
  merge_group: 'Merge group',
  release: 'Release',
  manual: 'Manual',
}

const KINDS = Object.keys(KIND_WORDS) as (keyof typeof KIND_WORDS)[]
const KEYS = ['text', 'status', 'repository', 'ref', 'author', 'kind'] as const

export function parseFilter(search: string): PipelineFilter {
  const params = new URLSearchParams(search)
  const take = (key: string) => (params.get(key) ?? '').slice(0, 200)
  const status = take('status')
  const kind = take('kind')
  return {
    text: take('text'),
    status: (FILTER_STATUSES as readonly string[]).includes(status) ? status : '',
    repository: take('repository'),
    ref: take('ref'),
    author: take('author'),
    kind: Object.hasOwn(KIND_WORDS, kind) ? kind : '',
  }
}

export function isFiltering(filter: PipelineFilter): boolean {
  return KEYS.some((key) => filter[key] !== '')
}

/** The query of the page's URL, empty or with its `?`. */
export function formatFilter(filter: Partial<PipelineFilter>): string {
  const params = new URLSearchParams()
  for (const key of KEYS) if (filter[key]) params.set(key, filter[key])
  return params.size > 0 ? `?${params}` : ''
}

/** The filter as a query of the REST API. */
export function filterQuery(filter: PipelineFilter): NonNullable<Given<'listPipelines'>['query']> {
  const { status, kind } = filter
  const [text, repository, ref, author] = (['text', 'repository', 'ref', 'author'] as const).map(
    (key) => filter[key] || undefined,
  )
  return {
    text,
    status: status === 'pending' || status === 'running' ? status : undefined,
    outcome: OUTCOMES.find((one) => one === status),
    repository,
    ref,
    author,
    kind: KINDS.find((one) => one === kind),
  }
}

/** Whether a live pipeline belongs to the list, by the API's rules. */
export function matchesFilter(pipeline: PipelineView, filter: PipelineFilter): boolean {
  const { text, status, repository, ref, author, kind } = filter
  const { event, repositoryName } = pipeline
  if (status && (pipeline.outcome ?? pipeline.status) !== status) return false
  if (repository && repositoryName.toLowerCase() !== repository.toLowerCase()) return false
  if (kind && event.kind !== kind) return false
  if (author && event.author !== author) return false
  if (ref && ![ref, `refs/heads/${ref}`, `refs/tags/${ref}`].includes(event.ref)) return false
  if (!text) return true
  const wanted = text.toLowerCase()
  const parts = [event.title, event.ref, event.author, repositoryName]
  return parts.some((part) => part.toLowerCase().includes(wanted)) || event.sha.startsWith(wanted)
}
