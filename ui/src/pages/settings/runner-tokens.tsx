import { useState } from 'react'
import { call } from '../../api.ts'
import { formatCount } from '../../format.ts'
import { useRead } from '../../hooks/use-read.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { Copyable } from '../../parts/copyable.tsx'
import { ErrorNotice } from '../../parts/notices.tsx'
import { Ago } from '../../parts/times.tsx'

/** Creates join tokens for runners. */
export function RunnerTokens() {
  const { answer, error, reload } = useRead('listJoinTokens', {})
  const [created, setCreated] = useState<string>()
  const create = async () => {
    const { token } = await call('createJoinToken', { body: {} })
    setCreated(token)
    reload()
  }
  const open = answer?.tokens.filter(({ usedAt }) => usedAt === undefined) ?? []
  return (
    <section className="panel padded">
      <h2>New runners</h2>
      <p className="quiet">
        Each runner joins once, with its own token. Create one, then run the command on its machine.
      </p>
      <ErrorNotice error={error} />
      {open.length > 0 ? (
        <p className="small">
          {formatCount(open.length, 'unused token')}, last created{' '}
          <Ago at={open.at(-1)?.createdAt ?? 0} />
        </p>
      ) : null}
      {created ? (
        <p className="notice is-good" role="status">
          Run this command. The token is shown only once.
          <Copyable
            label="the command"
            text={`NARWHAL_TOKEN=${created} ./narwhal runner --dispatcher ${location.origin}`}
          />
        </p>
      ) : null}
      <CommandButton run={create}>Create runner token</CommandButton>
    </section>
  )
}
