import { type FormEvent, useEffect, useState } from 'react'
import { call } from '../api.ts'

/** The code in the fragment of a sign-in link, which the browser doesn't send with the request. */
function takeCode(): string | undefined {
  const code = /^#code=(\S+)$/.exec(location.hash)?.[1]
  if (code) history.replaceState(null, '', location.pathname)
  return code
}

/** Exchanges an access token, or the code of a link, for an HttpOnly session cookie. */
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
      setError(status === 401 ? 'Invalid token.' : message)
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
        On the server, <code>./narwhal sign-in-link</code> prints a link that signs you in.
        Otherwise ask your administrator for a token (<code>narwhal token create NAME</code>).
      </p>
    </section>
  )
}
