import { useState } from 'react'
import { forgeChoices, forgeOfUrl } from '../../../../src/contract/rest/forge-words.ts'
import type { RegisteredRepository } from '../../../../src/contract/rest/rest-repositories.ts'
import { call } from '../../api.ts'
import { CommandForm } from '../../parts/command-form.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { POLL_INTERVALS } from './poll-intervals.ts'
import { WebhookHelp } from './webhook-help.tsx'

export interface AddRepositoryProps {
  readonly onAdded: () => void
  readonly onClose: () => void
}

type Forge = ReturnType<typeof forgeOfUrl>

/** Registers a repository, then shows the webhook to set up; its secret is shown only once. */
export function AddRepository({ onAdded, onClose }: AddRepositoryProps) {
  const [added, setAdded] = useState<RegisteredRepository>()
  const title = added ? `${added.repository.name} added` : 'Add repository'
  const done = (registered: RegisteredRepository) => {
    setAdded(registered)
    onAdded()
  }
  return (
    <Dialog title={title} onClose={onClose}>
      {added ? (
        <>
          <WebhookHelp repository={added.repository} webhook={added.webhook} />
          <form method="dialog" className="form">
            <div className="commands">
              <button type="submit" className="main">
                Done
              </button>
            </div>
          </form>
        </>
      ) : (
        <AddForm onAdded={done} onClose={onClose} />
      )}
    </Dialog>
  )
}

interface AddFormProps {
  readonly onAdded: (registered: RegisteredRepository) => void
  readonly onClose: () => void
}

function AddForm({ onAdded, onClose }: AddFormProps) {
  const [url, setUrl] = useState('')
  const [name, setName] = useState<string>()
  const [forge, setForge] = useState<Forge>()
  const guessed = forge ?? forgeOfUrl(url)
  const add = async (entered: FormData) => {
    const pollIntervalMs = Number(entered.get('poll'))
    const body = { name: name ?? nameOf(url), cloneUrl: url.trim(), forge: guessed, pollIntervalMs }
    onAdded(await call('addRepository', { body }))
  }
  return (
    <CommandForm action="Add" run={add} onClose={onClose}>
      <label>
        Clone URL
        <input
          type="text"
          required
          autoComplete="off"
          placeholder="https://github.com/octocat/hello"
          value={url}
          onChange={(event) => setUrl(event.target.value)}
        />
        <small>https://…, ssh://…, git@host:path, or a folder on the server</small>
      </label>
      <label>
        Name
        <input
          type="text"
          required
          autoComplete="off"
          placeholder="owner/name"
          value={name ?? nameOf(url)}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <label>
        Forge
        <select value={guessed} onChange={(event) => setForge(event.target.value as Forge)}>
          {forgeChoices().map(({ forge: key, words }) => (
            <option key={key} value={key}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label>
        Poll for new commits
        <select name="poll">
          {POLL_INTERVALS.map(([key, words]) => (
            <option key={key} value={key}>
              {words}
            </option>
          ))}
        </select>
      </label>
    </CommandForm>
  )
}

/** `owner/name` of a URL; of a folder, its name. */
function nameOf(url: string): string {
  const path = url
    .trim()
    .replace(/^[a-z+]+:\/\/[^/]*\//i, '')
    .replace(/^[^/]*@[^:]*:/, '')
    .replace(/\.git\/?$|\/+$/g, '')
  const parts = path.split('/').filter(Boolean)
  return (url.trim().startsWith('/') ? parts.slice(-1) : parts.slice(-2)).join('/')
}
