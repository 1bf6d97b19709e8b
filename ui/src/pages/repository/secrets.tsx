import { useState } from 'react'
import type { SecretView } from '../../../../src/contract/rest/rest-secrets.ts'
import { call } from '../../api.ts'
import { useRead } from '../../hooks/use-read.ts'
import { CommandForm } from '../../parts/command-form.tsx'
import { textOf } from '../../parts/entered.ts'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'
import { RemovableTable } from '../../parts/removable-table.tsx'
import { useMay } from '../../parts/session.ts'
import { Ago } from '../../parts/times.tsx'

export interface SecretsProps {
  /** Their repository; absent for global ones. */
  readonly repositoryId?: string
}

/** The secrets that jobs may name: set and removed, but never shown. */
export function Secrets({ repositoryId }: SecretsProps) {
  return repositoryId === undefined ? <SecretsOfAll /> : <SecretsOfOne {...{ repositoryId }} />
}

function SecretsOfAll() {
  const { answer, error, reload } = useRead('listSecrets', {})
  return <Shown repositoryId={undefined} {...{ secrets: answer?.secrets, error, reload }} />
}

function SecretsOfOne({ repositoryId }: { readonly repositoryId: string }) {
  const params = { repository: repositoryId }
  const { answer, error, reload } = useRead('listSecretsOf', { params })
  return <Shown {...{ repositoryId, secrets: answer?.secrets, error, reload }} />
}

interface ShownProps {
  readonly repositoryId: string | undefined
  readonly secrets: readonly SecretView[] | undefined
  readonly error: Error | undefined
  readonly reload: () => void
}

function Shown({ repositoryId, secrets, error, reload }: ShownProps) {
  const isAdmin = useMay('admin')
  return (
    <section className="panel padded" aria-labelledby="secrets">
      <h2 id="secrets">Secrets</h2>
      <p className="quiet">
        {repositoryId === undefined
          ? 'Available to all repositories.'
          : 'Available to this repository. Its own secrets override global ones.'}{' '}
        Values can’t be viewed after saving.
      </p>
      <ErrorNotice error={error} />
      {secrets ? (
        <SecretTable {...{ secrets, repositoryId }} onRemoved={reload} />
      ) : error ? null : (
        <Loading />
      )}
      {isAdmin ? <NewSecret repositoryId={repositoryId} onSet={reload} /> : null}
    </section>
  )
}

interface NewSecretProps {
  readonly repositoryId: string | undefined
  readonly onSet: () => void
}

function NewSecret({ repositoryId, onSet }: NewSecretProps) {
  const [warnings, setWarnings] = useState<readonly string[]>([])
  const set = async (entered: FormData) => {
    const secret = textOf(entered, 'name').trim()
    const rules = entered.has('shown') ? { isNotMasked: true as const } : {}
    const body = { value: textOf(entered, 'value'), ...rules }
    const answer = await (repositoryId === undefined
      ? call('setSecret', { params: { secret }, body })
      : call('setSecretOf', { params: { repository: repositoryId, secret }, body }))
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
      <CommandForm action="Save secret" run={set}>
        <input
          name="name"
          type="text"
          required
          maxLength={100}
          aria-label="Secret name"
          placeholder="DEPLOY_KEY"
          autoComplete="off"
          spellCheck={false}
        />
        <textarea
          name="value"
          required
          rows={1}
          aria-label="Secret value"
          placeholder="Value"
          autoComplete="off"
          spellCheck={false}
        />
        <label>
          <input type="checkbox" name="shown" /> Don’t mask in logs
        </label>
      </CommandForm>
    </>
  )
}

interface SecretTableProps {
  readonly secrets: readonly SecretView[]
  readonly repositoryId: string | undefined
  readonly onRemoved: () => void
}

function SecretTable({ secrets, repositoryId, onRemoved }: SecretTableProps) {
  const rows = secrets.map(({ name, scope, updatedAt, updatedBy, ...rules }) => ({
    key: name,
    cells: [
      <code key="name">{name}</code>,
      scope === 'all' ? 'Global' : 'Repository',
      <span key="set">
        <Ago at={updatedAt} />
        {updatedBy ? ` by ${updatedBy}` : null}
      </span>,
      <Rules key="rules" {...rules} />,
    ],
    remove:
      repositoryId !== undefined && scope === 'all'
        ? undefined
        : () => removeSecret(name, repositoryId),
  }))
  const headings = ['Name', 'Scope', 'Updated', 'Rules']
  return <RemovableTable {...{ headings, rows, onRemoved }} empty="No secrets yet" needs="admin" />
}

function removeSecret(secret: string, repository: string | undefined): Promise<unknown> {
  return repository === undefined
    ? call('removeSecret', { params: { secret } })
    : call('removeSecretOf', { params: { repository, secret } })
}

/** The expiry and restrictions of a secret. */
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
