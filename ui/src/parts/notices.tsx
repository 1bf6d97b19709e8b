/** What went wrong while reading, said where the content would be. */
export function ErrorNotice({ error }: { readonly error: Error | undefined }) {
  if (!error) return null
  return (
    <p className="notice is-error" role="alert">
      {error.message}
    </p>
  )
}

export function Loading() {
  return (
    <p className="quiet" aria-busy="true">
      Loading…
    </p>
  )
}

/** Why a command came to nothing, said beside it. */
export function CommandError({ words }: { readonly words: string | undefined }) {
  if (words === undefined) return null
  return (
    <span className="command-error" role="alert">
      {words}
    </span>
  )
}
