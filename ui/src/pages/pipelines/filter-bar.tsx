import { Choice, Filters, TextFilter } from '../../parts/filters.tsx'
import {
  FILTER_STATUSES,
  isFiltering,
  KIND_WORDS,
  type PipelineFilter,
  parseFilter,
} from '../../state/pipeline-filter.ts'
import { STATUS_WORDS } from '../../state/status.ts'

export interface FilterBarProps {
  readonly filter: PipelineFilter
  readonly repositories: readonly string[]
  readonly onChange: (filter: PipelineFilter) => void
}

export function FilterBar({ filter, repositories, onChange }: FilterBarProps) {
  const change = (part: Partial<PipelineFilter>) => onChange({ ...filter, ...part })
  const statuses = FILTER_STATUSES.map((status) => [status, STATUS_WORDS[status]] as const)
  return (
    <Filters isSet={isFiltering(filter)} onClear={() => onChange(parseFilter(''))}>
      <TextFilter
        label="Filter by title, ref, author, repository or commit"
        placeholder="Search title, author, commit…"
        value={filter.text}
        onChange={(text) => change({ text })}
        isFirst
      />
      <Choice
        label="Repository"
        any="All repositories"
        value={filter.repository}
        options={repositories.map((name) => [name, name])}
        onChange={(repository) => change({ repository })}
      />
      <Choice
        label="Status"
        any="Any status"
        value={filter.status}
        options={statuses}
        onChange={(status) => change({ status })}
      />
      <Choice
        label="Event"
        any="Any event"
        value={filter.kind}
        options={Object.entries(KIND_WORDS)}
        onChange={(kind) => change({ kind })}
      />
      <TextFilter
        label="Branch or tag"
        placeholder="Branch or tag"
        value={filter.ref}
        onChange={(ref) => change({ ref })}
      />
      <TextFilter
        label="Author"
        placeholder="Author"
        value={filter.author}
        onChange={(author) => change({ author })}
      />
    </Filters>
  )
}
