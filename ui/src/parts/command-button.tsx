import type { ReactNode } from 'react'
import { useShortcut } from '../hooks/shortcuts.ts'
import { useCommand } from '../hooks/use-command.ts'
import { CommandError } from './notices.tsx'
import { type Role, useMay } from './session.ts'

export interface CommandButtonProps {
  /** What it does; a rejection is said beside the button. */
  readonly run: () => Promise<void>
  readonly children: ReactNode
  readonly isSmall?: boolean
  readonly isMain?: boolean
  /** The role that it takes: others don't see it. */
  readonly needs?: Role
  /** A key that does the same, with its words for the help. */
  readonly shortcut?: { readonly keys: string; readonly words: string }
}

/** A button for something the server does: it can't be pressed twice, and says when it failed. */
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
