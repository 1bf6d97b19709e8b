/** What was taken out of the log of an attempt, after it had shown what nobody should read. */
export interface Redaction {
  /** The places of the steps whose text went; absent: all of it, and what would still come. */
  readonly steps?: readonly number[]
  /** The name of who did it. */
  readonly by: string
  readonly at: number
  /** Of the text that was there, in hexadecimal; absent while it is being taken out. */
  readonly sha256?: string
}

/** The one that a step's lines fell under, if any did: the first that came to its end. */
export function redactionOf(redactions: readonly Redaction[], step: number): Redaction | undefined {
  const those = redactions.filter((one) => concerns(one, step))
  return those.find(({ sha256 }) => sha256 !== undefined) ?? those.at(-1)
}

export function concerns({ steps }: Pick<Redaction, 'steps'>, step: number): boolean {
  return steps === undefined || steps.includes(step)
}

/** Stands in the log in place of the text. */
export function redactionInWords({ by, at, sha256 }: Redaction): string {
  const hash = sha256 === undefined ? '' : `; its SHA-256 was ${sha256}`
  return `the text of this step was taken out by ${by} on ${new Date(at).toISOString()}${hash}`
}
