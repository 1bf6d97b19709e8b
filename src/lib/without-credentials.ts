/** A name behind which something stands that gives access, as headers, queries and JSON have it. */
const NAMED =
  /\b((?:authorization|cookie|[a-z0-9-]*token|password|passwd|secret|api[-_]?key)["']?\s*[:=]\s*)(?:["'][^"']*["']|(?:(?:basic|bearer|token|remoteauth)\s+)?[^\s"',;}]+)/gi
const SHOWN = /\b(bearer|basic|remoteauth)\s+[A-Za-z0-9+/=._~-]{16,}/gi

/**
 * A text without what may give access: users, passwords and queries of URLs, and what stands behind a word like
 * `Authorization:`. Programs repeat what they were given, and servers what they were asked.
 */
export function withoutCredentials(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/'"]*@/gi, '$1***@')
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s?'"]*)\?[^\s'"]*/gi, '$1?***')
    .replaceAll(NAMED, '$1***')
    .replaceAll(SHOWN, '$1 ***')
}

/** A URL that can't be right, quoted: what of it is a password can only be guessed. */
export function quoteUrl(text: string): string {
  const [shown = '', ...hidden] = withoutCredentials(text)
    .replace(/\/\/.*@/s, '//***@')
    .split(/(?=[?#])/)
  return JSON.stringify(`${shown}${hidden.length > 0 ? '?***' : ''}`.slice(0, 200))
}
