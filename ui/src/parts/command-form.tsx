import type { ReactNode } from 'react'
import { useCommand } from '../hooks/use-command.ts'
import { CommandError } from './notices.tsx'

export interface CommandFormProps {
  /** What it does with what was entered; a rejection is said in the form. */
  readonly run: (entered: FormData) => Promise<void>
  /** The words of its button. */
  readonly action: string
  readonly children: ReactNode
  /** How the dialog is left that it stands in; absent: it stands on a page, in one line. */
  readonly onClose?: () => void
  readonly isDisabled?: boolean
}

/** A form for something the server does: it can't be sent twice, and says when it failed. */
export function CommandForm({ run, action, children, onClose, isDisabled }: CommandFormProps) {
  const command = useCommand()
  const button = (
    <button
      type="submit"
      className={onClose ? 'main' : undefined}
      disabled={command.isRunning || isDisabled}
    >
      {action}
    </button>
  )
  return (
    <form
      className={onClose ? 'form' : 'inline-form'}
      onSubmit={(event) => {
        event.preventDefault()
        const form = event.currentTarget
        void command.run(async () => {
          await run(new FormData(form))
          if (!onClose) form.reset()
        })
      }}
    >
      {children}
      {onClose ? <CommandError words={command.error} /> : null}
      {onClose ? (
        <div className="commands">
          <button type="button" onClick={onClose}>
            Close
          </button>
          {button}
        </div>
      ) : (
        button
      )}
      {onClose ? null : <CommandError words={command.error} />}
    </form>
  )
}
