import { type FormEvent, useState } from 'react'
import { postJson } from '../api.ts'

/** Trades an access token for a session cookie that scripts can't read. */
export function SignInPage() {
  const [error, setError] = useState<string>()
  const signIn = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const token = new FormData(event.currentTarget).get('token') as string
    try {
      await postJson('/session', { token: token.trim() })
      location.reload()
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
        Whoever runs this Narwhal makes one with <code>./narwhal token create NAME</code>.
      </p>
    </section>
  )
}
