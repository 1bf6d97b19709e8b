import { type FormEvent, useState } from 'react'
import type { PipelineView } from '../../../src/contract/views.ts'
import { postJson } from '../api.ts'
import { Dialog } from '../parts/dialog.tsx'
import { navigate } from '../router.tsx'

export interface StartDialogProps {
  readonly repositories: readonly string[]
  /** The one that is chosen first. */
  readonly repository?: string
  readonly onClose: () => void
}

/** Starts a pipeline by hand, and goes to its page. */
export function StartDialog({ repositories, repository, onClose }: StartDialogProps) {
  const [error, setError] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const start = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const ref = (form.get('ref') as string).trim()
    setBusy(true)
    try {
      const body = { repository: form.get('repository'), ...(ref ? { ref } : {}) }
      const { pipeline } = await postJson<{ pipeline: PipelineView }>('/pipelines', body)
      navigate(`/pipelines/${pipeline.id}`)
      onClose()
    } catch (reason) {
      setError(reason instanceof Error ? reason.message : String(reason))
      setBusy(false)
    }
  }
  return (
    <Dialog title="Start a pipeline" onClose={onClose}>
      <form className="form" onSubmit={(event) => void start(event)}>
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
          <input name="ref" type="text" placeholder="the remote’s HEAD" autoComplete="off" />
        </label>
        {error ? (
          <p className="command-error" role="alert">
            {error}
          </p>
        ) : null}
        <div className="commands">
          <button type="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" className="main" disabled={isBusy || repositories.length === 0}>
            Start
          </button>
        </div>
      </form>
    </Dialog>
  )
}
