/** A text with its URLs without users, passwords and queries: programs repeat those that they were given. */
export function withoutCredentials(text: string): string {
  return text
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/)[^\s/'"]*@/gi, '$1***@')
    .replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s?'"]*)\?[^\s'"]*/gi, '$1?***')
}

/** A URL that can't be right, quoted: what of it is a password can only be guessed. */
export function quoteUrl(text: string): string {
  const hidden = withoutCredentials(text).replace(/\/\/.*@/s, '//***@')
  return JSON.stringify(hidden.replace(/[?#].*$/s, (rest) => `${rest[0]}***`).slice(0, 200))
}
