import type { ReactNode } from 'react'
import { CommandButton } from './command-button.tsx'
import type { Role } from './session.ts'

export interface RemovableRow {
  readonly key: string
  /** One per heading; the last one is dimmed. */
  readonly cells: readonly ReactNode[]
  /** Absent if it can't be removed here. */
  readonly remove?: (() => Promise<unknown>) | undefined
}

export interface RemovableTableProps {
  readonly headings: readonly string[]
  readonly rows: readonly RemovableRow[]
  /** Shown if there are no rows. */
  readonly empty: string
  readonly onRemoved: () => void
  /** The role required to remove. */
  readonly needs?: Role
  readonly className?: string
}

/** A table whose rows can be removed. */
export function RemovableTable(props: RemovableTableProps) {
  const { headings, rows, empty, onRemoved, needs, className = '' } = props
  if (rows.length === 0) return <p className="small">{empty}</p>
  const run = async (remove: () => Promise<unknown>): Promise<void> => {
    await remove()
    onRemoved()
  }
  return (
    <table className={`tokens ${className}`.trim()}>
      <thead>
        <tr>
          {headings.map((heading) => (
            <th key={heading} scope="col">
              {heading}
            </th>
          ))}
          <th scope="col">
            <span className="unseen">Remove</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ key, cells, remove }) => (
          <tr key={key}>
            {cells.map((cell, index) => (
              <td key={headings[index]} className={index < cells.length - 1 ? undefined : 'quiet'}>
                {cell}
              </td>
            ))}
            <td className="end">
              {remove === undefined ? null : (
                <CommandButton isSmall {...(needs ? { needs } : {})} run={() => run(remove)}>
                  Remove
                </CommandButton>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
