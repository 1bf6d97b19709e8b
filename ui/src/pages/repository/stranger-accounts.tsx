import type { RepositoryView } from '../../../../src/contract/rest/views.ts'
import { call } from '../../api.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { Ago } from '../../parts/times.tsx'

/** The accounts that a repository lists, by their names, and the programs that it might list. */
export function StrangerAccounts({ repository }: { readonly repository: RepositoryView }) {
  const { id, strangerAccounts = [], strangers = [], seenBots = [] } = repository
  const list = async (account: number) => {
    await call('changeRepository', {
      params: { repository: id },
      body: { strangerAccounts: [...strangerAccounts, account] },
    })
    location.reload()
  }
  const named = strangers.filter(({ name }) => name !== undefined)
  return (
    <>
      {named.length > 0 ? (
        <ul className="plain small" aria-label="Accounts that are strangers">
          {named.map(({ id: account, name, formerName }) => (
            <li key={account}>
              <code>{account}</code> {name}
              {formerName === undefined ? null : (
                <strong> was {formerName} when it was listed: look whose it is</strong>
              )}
            </li>
          ))}
        </ul>
      ) : null}
      {seenBots.map(({ id: account, name, seenAt }) => (
        <div key={account} className="notice">
          <p>
            <strong>{name}</strong> pushes to branches of this repository (<Ago at={seenAt} />
            ), so the work of others that it brings is run with secrets. As a stranger, each of its
            commits waits until a member approves it.
          </p>
          <CommandButton run={() => list(account)} needs="admin">
            List it as a stranger
          </CommandButton>
        </div>
      ))}
    </>
  )
}
