import { useEffect, useState } from 'react'
import { FILTER_STATUSES, type PipelineFilter } from '../state/pipeline-filter.ts'
import { STATUS_WORDS } from '../state/status.ts'

/** A pause in typing so long that the text is taken for meant. */
const PAUSE_MS = 200

export interface FilterBarProps {
  readonly filter: PipelineFilter
  readonly onChange: (filter: PipelineFilter) => void
}

export function FilterBar({ filter, onChange }: FilterBarProps) {
  const [text, setText] = useState(filter.text)
  useEffect(() => setText(filter.text), [filter.text])
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- only typing starts the pause
  useEffect(() => {
    if (text === filter.text) return
    const timer = setTimeout(() => onChange({ ...filter, text }), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <search className="filter">
      <input
        type="search"
        aria-label="Filter by title, ref, author, repository or commit"
        placeholder="Title, ref, author, commit …"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <select
        aria-label="Status"
        value={filter.status}
        onChange={(event) => onChange({ text, status: event.target.value })}
      >
        <option value="">Any status</option>
        {FILTER_STATUSES.map((status) => (
          <option key={status} value={status}>
            {STATUS_WORDS[status]}
          </option>
        ))}
      </select>
    </search>
  )
}
