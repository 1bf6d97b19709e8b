import { type ReactNode, useState } from 'react'

export interface CommandButtonProps {
  /** What it does; a rejection is said beside the button. */
  readonly run: () => Promise<void>
  readonly children: ReactNode
}

/** A button for something the server does: it can't be pressed twice, and says when it failed. */
export function CommandButton({ run, children }: CommandButtonProps) {
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
  return (
    <>
      <button type="button" disabled={isRunning} onClick={() => void press()}>
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
