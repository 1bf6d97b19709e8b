import type { RepositoryView } from '../../../../src/contract/rest/rest-repositories.ts'
import { call } from '../../api.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { Ago } from '../../parts/times.tsx'

/** The accounts listed as strangers, by their names, and bots that might be listed. */
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
        <ul className="plain small" aria-label="Accounts listed as strangers">
          {named.map(({ id: account, name, formerName }) => (
            <li key={account}>
              <code>{account}</code> {name}
              {formerName === undefined ? null : (
                <strong> was {formerName} when listed: check whose it is</strong>
              )}
            </li>
          ))}
        </ul>
      ) : null}
      {seenBots.map(({ id: account, name, seenAt }) => (
        <div key={account} className="notice">
          <p>
            <strong>{name}</strong> pushes to branches of this repository (<Ago at={seenAt} />
            ), so the work of others that it pushes runs with secrets. Listed as a stranger, each of
            its commits waits for approval.
          </p>
          <CommandButton run={() => list(account)} needs="admin">
            List as stranger
          </CommandButton>
        </div>
      ))}
    </>
  )
}
