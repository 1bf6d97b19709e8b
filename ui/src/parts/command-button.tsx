import { type ReactNode, useState } from 'react'
import { useShortcut } from './shortcuts.ts'

export interface CommandButtonProps {
  /** What it does; a rejection is said beside the button. */
  readonly run: () => Promise<void>
  readonly children: ReactNode
  readonly isSmall?: boolean
  readonly isMain?: boolean
  /** A key that does the same, with its words for the help. */
  readonly shortcut?: { readonly keys: string; readonly words: string }
}

/** A button for something the server does: it can't be pressed twice, and says when it failed. */
export function CommandButton({ run, children, isSmall, isMain, shortcut }: CommandButtonProps) {
  const [isRunning, setRunning] = useState(false)
  const [error, setError] = useState<string>()
  const press = async () => {
    setRunning(true)
    setError(undefined)
    try {
      await run()
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason))
    } finally {
      setRunning(false)
    }
  }
  useShortcut(shortcut?.keys ?? '', isRunning ? undefined : shortcut?.words, () => void press())
  return (
    <>
      <button
        type="button"
        className={isSmall ? 'small' : isMain ? 'main' : undefined}
        disabled={isRunning}
        title={shortcut && `${shortcut.words} (${shortcut.keys})`}
        onClick={() => void press()}
      >
        {children}
      </button>
      {error ? (
        <span className="command-error" role="alert">
          {error}
        </span>
      ) : null}
    </>
  )
}
