import { useRef, useState } from 'react'
import { linkTo } from '../api.ts'
import { useShortcut } from '../hooks/shortcuts.ts'
import { CommandButton } from '../parts/command-button.tsx'
import type { TimeKind } from './log-line.tsx'
import type { LogParams } from './log-params.ts'
import type { Search } from './use-search.ts'

export interface LogToolsProps {
  readonly params: LogParams
  readonly search: Search
  readonly times: TimeKind
  readonly onTimes: (kind: TimeKind) => void
  readonly isWrapped: boolean
  readonly onWrap: (yes: boolean) => void
  /** Resolves to how many lines were copied. */
  readonly copy: () => Promise<number>
  readonly goToError: (() => Promise<void>) | undefined
}

export function LogTools(props: LogToolsProps) {
  const { params, times, isWrapped } = props
  const [copied, setCopied] = useState<number>()
  const copy = async () => setCopied(await props.copy())
  useShortcut('w', 'Wrap lines', () => props.onWrap(!isWrapped))
  const error = props.goToError
  return (
    <div className="log-tools">
      <SearchField search={props.search} />
      {error ? (
        <CommandButton run={error} isSmall shortcut={{ keys: 'e', words: 'Go to first error' }}>
          First error
        </CommandButton>
      ) : null}
      <div className="commands">
        <select
          className="small"
          aria-label="Timestamps"
          value={times}
          onChange={(event) => props.onTimes(event.target.value as TimeKind)}
        >
          <option value="none">Timestamps: off</option>
          <option value="clock">Time of day</option>
          <option value="since">Since start</option>
          <option value="delta">Since previous line</option>
        </select>
        <button
          type="button"
          className="small"
          aria-pressed={isWrapped}
          onClick={() => props.onWrap(!isWrapped)}
        >
          Wrap
        </button>
        <CommandButton run={copy} isSmall>
          {copied === undefined ? 'Copy' : `Copied ${copied.toLocaleString('en')}`}
        </CommandButton>
        <a
          className="button small"
          href={linkTo('readLogText', { params, query: { download: true } })}
        >
          Download
        </a>
        <a className="button small" href={linkTo('readLogText', { params })}>
          Raw
        </a>
      </div>
    </div>
  )
}

function SearchField({ search }: { readonly search: Search }) {
  const input = useRef<HTMLInputElement>(null)
  useShortcut('/', 'Search log', () => input.current?.focus())
  const { text, total, index, error } = search
  const words =
    text === ''
      ? ''
      : (error ??
        (total === undefined
          ? 'Searching…'
          : total === 0
            ? 'No matches'
            : `${(index + 1).toLocaleString('en')} of ${total.toLocaleString('en')}`))
  return (
    <search className="log-search">
      <input
        ref={input}
        type="search"
        aria-label="Search log"
        placeholder="Search log"
        value={text}
        onChange={(event) => search.setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') void search.move(event.shiftKey ? -1 : 1)
          if (event.key === 'Escape') input.current?.blur()
        }}
      />
      <button
        type="button"
        className="small"
        aria-label="Previous match"
        disabled={!total}
        onClick={() => void search.move(-1)}
      >
        ↑
      </button>
      <button
        type="button"
        className="small"
        aria-label="Next match"
        disabled={!total}
        onClick={() => void search.move(1)}
      >
        ↓
      </button>
      <span className="quiet small number" role="status">
        {words}
      </span>
    </search>
  )
}
