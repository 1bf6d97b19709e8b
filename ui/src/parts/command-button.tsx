import type { ReactNode } from 'react'
import { useShortcut } from '../hooks/shortcuts.ts'
import { useCommand } from '../hooks/use-command.ts'
import { CommandError } from './notices.tsx'
import { type Role, useMay } from './session.ts'

export interface CommandButtonProps {
  /** The command; a rejection is shown next to the button. */
  readonly run: () => Promise<void>
  readonly children: ReactNode
  readonly isSmall?: boolean
  readonly isMain?: boolean
  /** The required role: others don't see the button. */
  readonly needs?: Role
  /** A keyboard shortcut, with its text for the help. */
  readonly shortcut?: { readonly keys: string; readonly words: string }
}

/** A button for a command to the server: disabled while in progress, and shows errors. */
export function CommandButton(props: CommandButtonProps) {
  const { run, children, isSmall, isMain, needs, shortcut } = props
  const { isRunning, error, run: start } = useCommand()
  const may = useMay(needs)
  const press = () => void start(run)
  useShortcut(shortcut?.keys ?? '', isRunning || !may ? undefined : shortcut?.words, press)
  if (!may) return null
  return (
    <>
      <button
        type="button"
        className={isSmall ? 'small' : isMain ? 'main' : undefined}
        disabled={isRunning}
        title={shortcut && `${shortcut.words} (${shortcut.keys})`}
        onClick={press}
      >
        {children}
      </button>
      <CommandError words={error} />
    </>
  )
}
