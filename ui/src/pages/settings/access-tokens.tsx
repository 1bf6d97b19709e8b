import { useState } from 'react'
import type { UserView } from '../../../../src/contract/rest/rest.ts'
import type { CreatedToken, TokenView } from '../../../../src/contract/rest/rest-tokens.ts'
import { call } from '../../api.ts'
import { useRead } from '../../hooks/use-read.ts'
import { CommandForm } from '../../parts/command-form.tsx'
import { Copyable } from '../../parts/copyable.tsx'
import { textOf } from '../../parts/entered.ts'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'
import { RemovableTable } from '../../parts/removable-table.tsx'
import { useMay, useSession } from '../../parts/session.ts'
import { Ago } from '../../parts/times.tsx'

/** Access tokens: one's own, or everyone's for an administrator. */
export function AccessTokens({ users }: { readonly users: readonly UserView[] }) {
  const { answer, error, reload } = useRead('listTokens', {})
  const [created, setCreated] = useState<CreatedToken>()
  return (
    <section className="panel padded" aria-labelledby="access-tokens">
      <h2 id="access-tokens">Access tokens</h2>
      <p className="quiet">
        A token has its user’s permissions. Use one per device or tool, so that you can revoke it on
        its own.
      </p>
      <ErrorNotice error={error} />
      {answer ? (
        <TokenTable tokens={answer.tokens} onRemoved={reload} />
      ) : error ? null : (
        <Loading />
      )}
      {created ? (
        <p className="notice is-good" role="status">
          Token {created.name} of {created.user}
          {created.expiresAt === undefined
            ? ''
            : `, valid until ${new Date(created.expiresAt).toISOString().slice(0, 10)}`}
          . It is shown only once.
          <Copyable text={created.token} label="the token" />
        </p>
      ) : null}
      <NewToken
        users={users}
        onCreated={(token) => {
          setCreated(token)
          reload()
        }}
      />
    </section>
  )
}

interface NewTokenProps {
  readonly users: readonly UserView[]
  readonly onCreated: (token: CreatedToken) => void
}

function NewToken({ users, onCreated }: NewTokenProps) {
  const isAdmin = useMay('admin')
  const own = useSession()?.name
  const create = async (entered: FormData) => {
    const [name, user] = [textOf(entered, 'name'), textOf(entered, 'user')]
    onCreated(await call('createToken', { body: { name, ...(user ? { user } : {}) } }))
  }
  return (
    <CommandForm action="Create token" run={create}>
      <input
        name="name"
        type="text"
        required
        maxLength={100}
        aria-label="Token name"
        placeholder="Name: laptop, deploys"
        autoComplete="off"
      />
      {isAdmin && users.length > 0 ? (
        <select
          key={own}
          name="user"
          aria-label="Token owner"
          defaultValue={users.find(({ name }) => name === own)?.id}
        >
          {users.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      ) : null}
    </CommandForm>
  )
}

interface TokenTableProps {
  readonly tokens: readonly TokenView[]
  readonly onRemoved: () => void
}

function TokenTable({ tokens, onRemoved }: TokenTableProps) {
  const rows = tokens.map(
    ({ id, name, user, createdAt, usedAt, usedFrom, expiresAt, ...limits }) => ({
      key: id,
      cells: [
        name,
        user,
        accessWords(limits),
        <Ago key="created" at={createdAt} />,
        usedAt === undefined ? (
          'Never'
        ) : (
          <span key="used">
            <Ago at={usedAt} /> from {usedFrom}
          </span>
        ),
        expiresAt === undefined ? 'Never' : new Date(expiresAt).toISOString().slice(0, 10),
      ],
      remove: () => call('removeToken', { params: { token: id } }),
    }),
  )
  const headings = ['Name', 'User', 'Access', 'Created', 'Used', 'Expires']
  const empty = 'No tokens yet'
  return <RemovableTable {...{ headings, rows, empty, onRemoved }} />
}

function accessWords({ role, repositories }: Pick<TokenView, 'role' | 'repositories'>): string {
  const what = role ?? 'full'
  return repositories ? `${what}, in ${repositories.join(', ')}` : what
}
