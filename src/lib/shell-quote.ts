/** A text as one word of a POSIX shell, whatever is in it; it may hold no NUL character. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
