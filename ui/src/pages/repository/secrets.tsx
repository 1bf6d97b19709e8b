import { useState } from 'react'
import type { SecretView } from '../../../../src/contract/rest/rest-secrets.ts'
import { putJson } from '../../api.ts'
import { useRead } from '../../hooks/use-read.ts'
import { CommandForm } from '../../parts/command-form.tsx'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'
import { RemovableTable } from '../../parts/removable-table.tsx'
import { useMay } from '../../parts/session.ts'
import { Ago } from '../../parts/times.tsx'

export interface SecretsProps {
  /** Whose they are; absent: all repositories'. */
  readonly repositoryId?: string
}

/** The secrets that jobs may name: set and removed here, and never shown. */
export function Secrets({ repositoryId }: SecretsProps) {
  const path = repositoryId === undefined ? '/secrets' : `/repositories/${repositoryId}/secrets`
  const { answer, error, again } = useRead<{ secrets: SecretView[] }>(path)
  const isAdmin = useMay('admin')
  return (
    <section className="panel padded" aria-labelledby="secrets">
      <h2 id="secrets">Secrets</h2>
      <p className="quiet">
        {repositoryId === undefined
          ? 'Jobs of every repository may name these.'
          : 'Jobs of this repository may name these; its own come before those of all.'}{' '}
        Nobody sees their values again.
      </p>
      <ErrorNotice error={error} />
      {answer ? (
        <SecretTable secrets={answer.secrets} {...{ path, repositoryId }} onRemoved={again} />
      ) : error ? null : (
        <Loading />
      )}
      {isAdmin ? <NewSecret path={path} onSet={again} /> : null}
    </section>
  )
}

function NewSecret({ path, onSet }: { readonly path: string; readonly onSet: () => void }) {
  const [warnings, setWarnings] = useState<readonly string[]>([])
  const set = async (entered: FormData) => {
    const { name = '', value, shown } = Object.fromEntries(entered) as Record<string, string>
    const rules = shown === undefined ? {} : { isNotMasked: true }
    const set = { value, ...rules }
    const answer = await putJson<{ warnings: string[] }>(
      `${path}/${encodeURIComponent(name.trim())}`,
      set,
    )
    setWarnings(answer.warnings)
    onSet()
  }
  return (
    <>
      {warnings.map((warning) => (
        <p className="notice" key={warning}>
          {warning}
        </p>
      ))}
      <CommandForm action="Set the secret" run={set}>
        <input
          name="name"
          type="text"
          required
          maxLength={100}
          aria-label="The name of the secret"
          placeholder="DEPLOY_KEY"
          autoComplete="off"
          spellCheck={false}
        />
        <textarea
          name="value"
          required
          rows={1}
          aria-label="The value of the secret"
          placeholder="Its value"
          autoComplete="off"
          spellCheck={false}
        />
        <label>
          <input type="checkbox" name="shown" /> logs show it
        </label>
      </CommandForm>
    </>
  )
}

interface SecretTableProps {
  readonly secrets: readonly SecretView[]
  readonly path: string
  readonly repositoryId: string | undefined
  readonly onRemoved: () => void
}

function SecretTable({ secrets, path, repositoryId, onRemoved }: SecretTableProps) {
  const rows = secrets.map(({ name, scope, updatedAt, updatedBy, ...rules }) => ({
    key: name,
    cells: [
      <code key="name">{name}</code>,
      scope === 'all' ? 'all' : 'this one',
      <span key="set">
        <Ago at={updatedAt} />
        {updatedBy ? ` by ${updatedBy}` : null}
      </span>,
      <Rules key="rules" {...rules} />,
    ],
    path:
      repositoryId !== undefined && scope === 'all'
        ? undefined
        : `${path}/${encodeURIComponent(name)}`,
  }))
  const headings = ['Name', 'Of', 'Set', 'Besides']
  return <RemovableTable {...{ headings, rows, onRemoved }} empty="There is none." needs="admin" />
}

/** What holds for a secret that does not for most. */
function Rules({ expiresAt, warning, runners, isNotMasked }: Partial<SecretView>) {
  const until = expiresAt === undefined ? undefined : new Date(expiresAt - 1).toLocaleDateString()
  const parts = [
    until === undefined || warning ? [] : [`until ${until}`],
    runners ? [`for ${runners.join(', ')}`] : [],
    isNotMasked ? ['not masked'] : [],
  ]
  return (
    <span>
      {warning ? <strong>{warning} </strong> : null}
      {parts.flat().join('; ')}
    </span>
  )
}
