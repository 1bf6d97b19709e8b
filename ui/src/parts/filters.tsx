import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useShortcut } from '../hooks/shortcuts.ts'

/** Debounces typing. */
const PAUSE_MS = 200

interface FiltersProps {
  /** Whether any filter is set. */
  readonly isSet: boolean
  readonly onClear: () => void
  readonly children: ReactNode
}

/** Filter fields, and a button that clears them. */
export function Filters({ isSet, onClear, children }: FiltersProps) {
  return (
    <search className="filter">
      {children}
      <button type="button" className="plain" disabled={!isSet} onClick={onClear}>
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

/** A text filter, debounced; `/` focuses the first one. */
export function TextFilter({
  label,
  placeholder,
  value,
  onChange,
  isFirst = false,
}: TextFilterProps) {
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

/** One of some options, or any. */
export function Choice({ label, any, value, options, onChange }: ChoiceProps) {
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
