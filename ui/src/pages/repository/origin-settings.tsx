import { useState } from 'react'
import { forgeChoices } from '../../../../src/contract/rest/forge-words.ts'
import type {
  ChangeRepository,
  RepositoryView,
} from '../../../../src/contract/rest/rest-repositories.ts'
import { call } from '../../api.ts'
import { CommandForm } from '../../parts/command-form.tsx'
import { textOf } from '../../parts/entered.ts'
import { navigate } from '../../router.tsx'
import { POLL_INTERVALS } from './poll-intervals.ts'

/** What a repository is called, where it is, and how it is polled. */
export function OriginSettings({ repository }: { readonly repository: RepositoryView }) {
  const { id, name, cloneUrl, forge, pollIntervalMs } = repository
  const [warnings, setWarnings] = useState<readonly string[]>([])
  const save = async (entered: FormData) => {
    const wanted: Pick<RepositoryView, 'name' | 'cloneUrl' | 'forge' | 'pollIntervalMs'> = {
      name: textOf(entered, 'name').trim(),
      cloneUrl: textOf(entered, 'url').trim(),
      forge: forgeChoices().find((one) => one.forge === entered.get('forge'))?.forge ?? forge,
      pollIntervalMs: Number(textOf(entered, 'poll')),
    }
    // The same URL again would say that the repository was created again there.
    const body: ChangeRepository = Object.fromEntries(
      Object.entries(wanted).filter(
        ([key, value]) => value !== repository[key as keyof typeof wanted],
      ),
    )
    if (Object.keys(body).length === 0) return
    const changed = await call('changeRepository', { params: { repository: id }, body })
    setWarnings(changed.warnings)
    if (changed.warnings.length > 0) return
    if (wanted.name === name) location.reload()
    else navigate(`/repositories/${encodeURIComponent(wanted.name)}`)
  }
  const intervals = POLL_INTERVALS.some(([key]) => key === String(pollIntervalMs))
    ? POLL_INTERVALS
    : [
        ...POLL_INTERVALS,
        [String(pollIntervalMs), `Every ${pollIntervalMs / 1000} seconds`] as const,
      ]
  return (
    <section className="panel padded">
      <h2>Repository</h2>
      <CommandForm run={save} action="Save">
        <label>
          Name
          <input name="name" required autoComplete="off" defaultValue={name} />
        </label>
        <label>
          Clone URL
          <input name="url" required autoComplete="off" defaultValue={cloneUrl} />
        </label>
        <label>
          Forge
          <select name="forge" defaultValue={forge}>
            {forgeChoices().map(({ forge: key, words }) => (
              <option key={key} value={key}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <label>
          Poll for new commits
          <select name="poll" defaultValue={String(pollIntervalMs)}>
            {intervals.map(([key, words]) => (
              <option key={key} value={key}>
                {words}
              </option>
            ))}
          </select>
        </label>
      </CommandForm>
      {warnings.map((words) => (
        <p key={words} className="notice" role="status">
          Saved; {words}
        </p>
      ))}
    </section>
  )
}
