import type { UserView } from '../../../../src/contract/rest/rest.ts'
import { call } from '../../api.ts'
import { useCommand } from '../../hooks/use-command.ts'
import { CommandForm } from '../../parts/command-form.tsx'
import { textOf } from '../../parts/entered.ts'
import { CommandError, ErrorNotice, Loading } from '../../parts/notices.tsx'
import { RemovableTable } from '../../parts/removable-table.tsx'
import { ROLES, type Role, useMay } from '../../parts/session.ts'
import { Ago } from '../../parts/times.tsx'

export interface UsersProps {
  readonly users: readonly UserView[] | undefined
  readonly error: Error | undefined
  readonly onChanged: () => void
}

/** Users and their roles. */
export function Users({ users, error, onChanged }: UsersProps) {
  const isAdmin = useMay('admin')
  return (
    <section className="panel padded" aria-labelledby="users">
      <h2 id="users">Users</h2>
      <p className="quiet">
        Viewers can read. Members can also start, rerun and cancel. Admins can do everything.
        Actions are shown with the user’s name.
      </p>
      <ErrorNotice error={error} />
      {users ? <UserTable users={users} onChanged={onChanged} /> : error ? null : <Loading />}
      {isAdmin ? (
        <CommandForm
          action="Add user"
          run={async (entered) => {
            const role = ROLES.find((one) => one === entered.get('role'))
            await call('addUser', {
              body: { name: textOf(entered, 'name'), ...(role ? { role } : {}) },
            })
            onChanged()
          }}
        >
          <input
            name="name"
            type="text"
            required
            maxLength={64}
            aria-label="User name"
            placeholder="Name: ada, deploy-bot"
            autoComplete="off"
          />
          <select name="role" aria-label="User role" defaultValue="member">
            {ROLES.map((role) => (
              <option key={role}>{role}</option>
            ))}
          </select>
        </CommandForm>
      ) : null}
    </section>
  )
}

interface UserTableProps {
  readonly users: readonly UserView[]
  readonly onChanged: () => void
}

function UserTable({ users, onChanged }: UserTableProps) {
  const rows = users.map((user) => ({
    key: user.id,
    cells: [
      user.name,
      <RoleOf key="role" user={user} onChanged={onChanged} />,
      <Ago key="added" at={user.createdAt} />,
    ],
    remove: () => call('removeUser', { params: { user: user.id } }),
  }))
  return (
    <RemovableTable
      headings={['Name', 'Role', 'Added']}
      rows={rows}
      empty="No users yet"
      onRemoved={onChanged}
      needs="admin"
      className="users"
    />
  )
}

function RoleOf({ user, onChanged }: { readonly user: UserView; readonly onChanged: () => void }) {
  const command = useCommand()
  if (!useMay('admin')) return <span>{user.role}</span>
  const change = (role: Role) =>
    command.run(async () => {
      await call('changeUser', { params: { user: user.id }, body: { role } })
      onChanged()
    })
  return (
    <>
      <select
        className="small"
        aria-label={`Role of ${user.name}`}
        value={user.role}
        disabled={command.isRunning}
        onChange={(event) => void change(event.target.value as Role)}
      >
        {ROLES.map((role) => (
          <option key={role}>{role}</option>
        ))}
      </select>
      <CommandError words={command.error} />
    </>
  )
}
