const MOST_CHARACTERS = 300

/** What a program of a job said last, with a chunk more of it; fit for a message. */
export function lastWords(said: string, chunk: Uint8Array): string {
  const more = Buffer.from(chunk)
    .toString()
    .replaceAll(/\p{C}+/gu, ' ')
  return (said + more).slice(-MOST_CHARACTERS)
}
