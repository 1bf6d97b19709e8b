import { type FormEvent, useEffect, useState } from 'react'
import { call } from '../api.ts'

/** What stands behind the `#` of a link that signs in; it never leaves the browser but for signing in. */
function takeCode(): string | undefined {
  const code = /^#code=(\S+)$/.exec(location.hash)?.[1]
  if (code) history.replaceState(null, '', location.pathname)
  return code
}

/** Trades an access token, or the code of a link, for a session cookie that scripts can't read. */
export function SignInPage() {
  const [error, setError] = useState<string>()
  useEffect(() => {
    const code = takeCode()
    if (code === undefined) return
    call('signIn', { body: { code } }).then(
      () => location.replace('/'),
      (reason: { message: string }) => setError(reason.message),
    )
  }, [])
  const signIn = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const token = new FormData(event.currentTarget).get('token') as string
    try {
      await call('signIn', { body: { token: token.trim() } })
      if (location.pathname === '/sign-in') location.replace('/')
      else location.reload()
    } catch (reason) {
      const { status, message } = reason as { status?: number; message: string }
      setError(status === 401 ? 'That token is not known.' : message)
    }
  }
  return (
    <section className="sign-in">
      <h1>Sign in</h1>
      <form onSubmit={(event) => void signIn(event)}>
        <label htmlFor="token">Access token</label>
        <input id="token" name="token" type="password" autoComplete="current-password" required />
        <button type="submit" className="main">
          Sign in
        </button>
        {error ? (
          <p className="notice is-error" role="alert">
            {error}
          </p>
        ) : null}
      </form>
      <p className="quiet">
        On its machine <code>./narwhal sign-in-link</code> makes a link that signs in at once.
        Others get a token from whoever runs this Narwhal: <code>./narwhal token create NAME</code>.
      </p>
    </section>
  )
}
