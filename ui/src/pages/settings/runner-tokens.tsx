import { useState } from 'react'
import { call } from '../../api.ts'
import { formatCount } from '../../format.ts'
import { useRead } from '../../hooks/use-read.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { Copyable } from '../../parts/copyable.tsx'
import { ErrorNotice } from '../../parts/notices.tsx'
import { Ago } from '../../parts/times.tsx'

/** How new runners join. */
export function RunnerTokens() {
  const { answer, error, again } = useRead('listJoinTokens', {})
  const [created, setCreated] = useState<string>()
  const create = async () => {
    const { token } = await call('createJoinToken', { body: {} })
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
