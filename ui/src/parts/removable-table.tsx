import type { ReactNode } from 'react'
import { CommandButton } from './command-button.tsx'
import type { Role } from './session.ts'

export interface RemovableRow {
  readonly key: string
  /** One for each heading; the last is shown as less important. */
  readonly cells: readonly ReactNode[]
  /** Removes it; absent: it can't be, from here. */
  readonly remove?: (() => Promise<unknown>) | undefined
}

export interface RemovableTableProps {
  readonly headings: readonly string[]
  readonly rows: readonly RemovableRow[]
  /** What is said where there are none. */
  readonly empty: string
  readonly onRemoved: () => void
  /** The role that removing takes. */
  readonly needs?: Role
  readonly className?: string
}

/** What is registered, a row each, with a button that removes it. */
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
