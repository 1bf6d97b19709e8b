import { useRead } from '../../hooks/use-read.ts'
import { useMay, useSession } from '../../parts/session.ts'
import { Secrets } from '../repository/secrets.tsx'
import { AccessTokens } from './access-tokens.tsx'
import { RunnerTokens } from './runner-tokens.tsx'
import { Users } from './users.tsx'

/** Users, access tokens, join tokens and global secrets. */
export function SettingsPage() {
  const isAdmin = useMay('admin')
  const users = useRead('listUsers', {})
  return (
    <>
      <title>Settings · Narwhal</title>
      <div className="page-head">
        <h1>Settings</h1>
        <SignedInAs />
      </div>
      <div className="columns">
        <Users users={users.answer?.users} error={users.error} onChanged={users.reload} />
        <AccessTokens users={users.answer?.users ?? []} />
        {isAdmin ? <RunnerTokens /> : null}
        <Secrets />
      </div>
    </>
  )
}

function SignedInAs() {
  const session = useSession()
  const { answer } = useRead('status', {})
  return (
    <p className="quiet small facts">
      {session?.name ? (
        <span>
          Signed in as {session.name} ({session.role})
        </span>
      ) : null}
      {answer ? <span>Narwhal {answer.version}</span> : null}
    </p>
  )
}
