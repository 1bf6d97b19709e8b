/** Quotes a text as one word for a POSIX shell; it must not contain NUL. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
