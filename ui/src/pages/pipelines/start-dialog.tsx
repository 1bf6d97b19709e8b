import { call } from '../../api.ts'
import { CommandForm } from '../../parts/command-form.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { textOf } from '../../parts/entered.ts'
import { navigate } from '../../router.tsx'

export interface StartDialogProps {
  readonly repositories: readonly string[]
  /** The one selected initially. */
  readonly repository?: string
  readonly onClose: () => void
}

/** Starts a pipeline manually, and opens its page. */
export function StartDialog({ repositories, repository, onClose }: StartDialogProps) {
  const start = async (entered: FormData) => {
    const ref = textOf(entered, 'ref').trim()
    const body = { repository: textOf(entered, 'repository'), ...(ref ? { ref } : {}) }
    const { pipeline } = await call('startPipeline', { body })
    navigate(`/pipelines/${pipeline.id}`)
    onClose()
  }
  return (
    <Dialog title="Start pipeline" onClose={onClose}>
      <CommandForm
        action="Start"
        run={start}
        onClose={onClose}
        isDisabled={repositories.length === 0}
      >
        <label>
          Repository
          <select name="repository" defaultValue={repository || repositories[0]}>
            {repositories.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          Branch, tag or commit
          <input
            name="ref"
            type="text"
            placeholder="Default: the remote’s HEAD"
            autoComplete="off"
          />
        </label>
      </CommandForm>
    </Dialog>
  )
}
