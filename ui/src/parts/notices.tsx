/** A loading error, shown in place of the content. */
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

/** The error of a command, shown next to it. */
export function CommandError({ words }: { readonly words: string | undefined }) {
  if (words === undefined) return null
  return (
    <span className="command-error" role="alert">
      {words}
    </span>
  )
}
