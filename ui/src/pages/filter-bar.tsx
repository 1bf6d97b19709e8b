import { useEffect, useRef, useState } from 'react'
import { useShortcut } from '../parts/shortcuts.ts'
import {
  FILTER_STATUSES,
  isFiltering,
  KIND_WORDS,
  type PipelineFilter,
  parseFilter,
} from '../state/pipeline-filter.ts'
import { STATUS_WORDS } from '../state/status.ts'

/** A pause in typing so long that the text is taken for meant. */
const PAUSE_MS = 200

export interface FilterBarProps {
  readonly filter: PipelineFilter
  readonly repositories: readonly string[]
  readonly onChange: (filter: PipelineFilter) => void
}

export function FilterBar({ filter, repositories, onChange }: FilterBarProps) {
  const change = (part: Partial<PipelineFilter>) => onChange({ ...filter, ...part })
  const statuses = FILTER_STATUSES.map((status) => [status, STATUS_WORDS[status]] as const)
  return (
    <search className="filter">
      <TextFilter
        label="Filter by title, ref, author, repository or commit"
        placeholder="Search title, author, commit …"
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
      <button
        type="button"
        className="plain"
        disabled={!isFiltering(filter)}
        onClick={() => onChange(parseFilter(''))}
      >
        Clear
      </button>
    </search>
  )
}

interface TextFilterProps {
  readonly label: string
  readonly placeholder: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly isFirst?: boolean
}

function TextFilter({ label, placeholder, value, onChange, isFirst = false }: TextFilterProps) {
  const [text, setText] = useState(value)
  const input = useRef<HTMLInputElement>(null)
  useShortcut('/', isFirst ? 'Search' : undefined, () => input.current?.focus())
  useEffect(() => setText(value), [value])
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- only typing starts the pause
  useEffect(() => {
    if (text === value) return
    const timer = setTimeout(() => onChange(text), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <input
      ref={input}
      className={isFirst ? 'is-first' : undefined}
      type="search"
      aria-label={label}
      placeholder={placeholder}
      value={text}
      onChange={(event) => setText(event.target.value)}
    />
  )
}

interface ChoiceProps {
  readonly label: string
  readonly any: string
  readonly value: string
  readonly options: readonly (readonly [string, string])[]
  readonly onChange: (value: string) => void
}

function Choice({ label, any, value, options, onChange }: ChoiceProps) {
  const isKnown = value === '' || options.some(([key]) => key === value)
  return (
    <select aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">{any}</option>
      {isKnown ? null : <option value={value}>{value}</option>}
      {options.map(([key, words]) => (
        <option key={key} value={key}>
          {words}
        </option>
      ))}
    </select>
  )
}
