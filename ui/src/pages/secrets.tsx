import type { SecretView } from '../../../src/contract/rest-secrets.ts'
import { putJson } from '../api.ts'
import { CommandForm } from '../parts/command-form.tsx'
import { ErrorNotice, Loading } from '../parts/notices.tsx'
import { RemovableTable } from '../parts/removable-table.tsx'
import { useMay } from '../parts/session.ts'
import { Ago } from '../parts/times.tsx'
import { useRead } from '../parts/use-read.ts'

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
  const set = async (entered: FormData) => {
    const { name = '', value } = Object.fromEntries(entered) as Record<string, string>
    await putJson(`${path}/${encodeURIComponent(name.trim())}`, { value })
    onSet()
  }
  return (
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
    </CommandForm>
  )
}

interface SecretTableProps {
  readonly secrets: readonly SecretView[]
  readonly path: string
  readonly repositoryId: string | undefined
  readonly onRemoved: () => void
}

function SecretTable({ secrets, path, repositoryId, onRemoved }: SecretTableProps) {
  const rows = secrets.map(({ name, scope, updatedAt, updatedBy }) => ({
    key: name,
    cells: [
      <code key="name">{name}</code>,
      scope === 'all' ? 'all' : 'this one',
      <span key="set">
        <Ago at={updatedAt} />
        {updatedBy ? ` by ${updatedBy}` : null}
      </span>,
    ],
    path:
      repositoryId !== undefined && scope === 'all'
        ? undefined
        : `${path}/${encodeURIComponent(name)}`,
  }))
  const headings = ['Name', 'Of', 'Set']
  return <RemovableTable {...{ headings, rows, onRemoved }} empty="There is none." needs="admin" />
}
