import { type FormEvent, useState } from 'react'
import { deleteJson, postJson } from '../api.ts'
import { formatCount } from '../format.ts'
import { CommandButton } from '../parts/command-button.tsx'
import { Copyable } from '../parts/copyable.tsx'
import { ErrorNotice, Loading } from '../parts/notices.tsx'
import { Ago } from '../parts/times.tsx'
import { useRead } from '../parts/use-read.ts'

interface Token {
  readonly id: string
  readonly name: string
  readonly createdAt: number
}

interface JoinToken {
  readonly id: string
  readonly labels: readonly string[]
  readonly createdAt: number
  readonly expiresAt: number
  readonly usedAt?: number
}

/** Who may use this Narwhal, and which runners may join it. */
export function SettingsPage() {
  return (
    <>
      <title>Settings · Narwhal</title>
      <div className="page-head">
        <h1>Settings</h1>
        <Version />
      </div>
      <div className="columns">
        <AccessTokens />
        <RunnerTokens />
      </div>
    </>
  )
}

function Version() {
  const { answer } = useRead<{ version: string }>('/status')
  return answer ? <span className="quiet small">Narwhal {answer.version}</span> : null
}

function AccessTokens() {
  const { answer, error, again } = useRead<{ tokens: Token[] }>('/tokens')
  const [created, setCreated] = useState<{ name: string; token: string }>()
  const [refused, setRefused] = useState<string>()
  const create = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    try {
      const name = (new FormData(form).get('name') as string).trim()
      setCreated(await postJson<{ name: string; token: string }>('/tokens', { name }))
      setRefused(undefined)
      form.reset()
      again()
    } catch (reason) {
      setRefused(reason instanceof Error ? reason.message : String(reason))
    }
  }
  return (
    <section className="panel padded">
      <h2>People and programs</h2>
      <p className="quiet">
        Whoever has an access token may do everything here. Give each person and each program one of
        its own, so that you can take it back.
      </p>
      <ErrorNotice error={error} />
      {answer ? (
        <TokenTable tokens={answer.tokens} onRemoved={again} />
      ) : error ? null : (
        <Loading />
      )}
      {created ? (
        <p className="notice is-good" role="status">
          The token of {created.name}, shown this once:
          <Copyable text={created.token} label="the token" />
        </p>
      ) : null}
      <form className="inline-form" onSubmit={(event) => void create(event)}>
        <input
          name="name"
          type="text"
          required
          maxLength={100}
          aria-label="Whose token"
          placeholder="Whose token: ada, deploy-bot"
          autoComplete="off"
        />
        <button type="submit">Create a token</button>
      </form>
      {refused ? (
        <p className="command-error" role="alert">
          {refused}
        </p>
      ) : null}
    </section>
  )
}

interface TokenTableProps {
  readonly tokens: readonly Token[]
  readonly onRemoved: () => void
}

function TokenTable({ tokens, onRemoved }: TokenTableProps) {
  if (tokens.length === 0) {
    return <p className="small">There is none: on loopback nobody needs one.</p>
  }
  return (
    <table className="tokens">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Created</th>
          <th scope="col">
            <span className="unseen">Remove</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map(({ id, name, createdAt }) => (
          <tr key={id}>
            <td>{name}</td>
            <td className="quiet">
              <Ago at={createdAt} />
            </td>
            <td className="end">
              <CommandButton
                isSmall
                run={async () => {
                  await deleteJson(`/tokens/${id}`)
                  onRemoved()
                }}
              >
                Remove
              </CommandButton>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function RunnerTokens() {
  const { answer, error, again } = useRead<{ tokens: JoinToken[] }>('/runners/tokens')
  const [created, setCreated] = useState<string>()
  const create = async () => {
    const { token } = await postJson<{ token: string }>('/runners/tokens')
    setCreated(token)
    again()
  }
  const open = answer?.tokens.filter(({ usedAt }) => usedAt === undefined) ?? []
  return (
    <section className="panel padded">
      <h2>New runners</h2>
      <p className="quiet">
        A runner joins by a token of its own, once. Start it on its machine with the command below.
      </p>
      <ErrorNotice error={error} />
      {open.length > 0 ? (
        <p className="small">
          {formatCount(open.length, 'token waits', 'tokens wait')} to be used; the last was made{' '}
          <Ago at={open.at(-1)?.createdAt ?? 0} />.
        </p>
      ) : null}
      {created ? (
        <p className="notice is-good" role="status">
          Start the runner so; the token is shown this once:
          <Copyable
            label="the command"
            text={`NARWHAL_TOKEN=${created} ./narwhal runner --dispatcher ${location.origin}`}
          />
        </p>
      ) : null}
      <CommandButton run={create}>Create a token for a runner</CommandButton>
    </section>
  )
}
