import type { ReactNode } from 'react'
import { useCommand } from '../hooks/use-command.ts'
import { CommandError } from './notices.tsx'

export interface CommandFormProps {
  /** The command, given the entered values; a rejection is shown in the form. */
  readonly run: (entered: FormData) => Promise<void>
  /** The label of its button. */
  readonly action: string
  readonly children: ReactNode
  /** Closes the dialog that contains it; absent: it is inline on a page. */
  readonly onClose?: () => void
  readonly isDisabled?: boolean
}

/** A form for a command to the server: disabled while in progress, and shows errors. */
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
