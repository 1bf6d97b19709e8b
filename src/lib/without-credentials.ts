/** Names whose value gives access, as in headers, queries and JSON. */
const NAMED =
  /\b((?:authorization|cookie|[a-z0-9-]*token|password|passwd|secret|api[-_]?key)["']?\s*[:=]\s*)(?:["'][^"']*["']|(?:(?:basic|bearer|token|remoteauth)\s+)?[^\s"',;}]+)/gi
const SHOWN = /\b(bearer|basic|remoteauth)\s+[A-Za-z0-9+/=._~-]{16,}/gi

/**
 * A text with credentials redacted: users, passwords and queries of URLs, and the values of names like
 * `Authorization:`. Programs repeat their arguments, and servers the requests they got.
 */
export function withoutCredentials(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/'"]*@/gi, '$1***@')
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s?'"]*)\?[^\s'"]*/gi, '$1?***')
    .replaceAll(NAMED, '$1***')
    .replaceAll(SHOWN, '$1 ***')
}

/** An invalid URL, quoted and redacted: which part of it is a password can only be guessed. */
export function quoteUrl(text: string): string {
  const [shown = '', ...hidden] = withoutCredentials(text)
    .replace(/\/\/.*@/s, '//***@')
    .split(/(?=[?#])/)
  return JSON.stringify(`${shown}${hidden.length > 0 ? '?***' : ''}`.slice(0, 200))
}
