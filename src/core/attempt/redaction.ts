/** A redaction of an attempt's log. */
export interface Redaction {
  /** The indexes of the redacted steps; absent: the whole log, including what is still to come. */
  readonly steps?: readonly number[]
  readonly by: string
  readonly at: number
  /** Of the removed text, in hexadecimal; absent while the redaction is in progress. */
  readonly sha256?: string
}

/** The redaction that removed a step's lines, if any: the first one that completed. */
export function redactionOf(redactions: readonly Redaction[], step: number): Redaction | undefined {
  const those = redactions.filter((one) => concerns(one, step))
  return those.find(({ sha256 }) => sha256 !== undefined) ?? those.at(-1)
}

export function concerns({ steps }: Pick<Redaction, 'steps'>, step: number): boolean {
  return steps === undefined || steps.includes(step)
}

/** Replaces the text in the log. */
export function redactionInWords({ by, at, sha256 }: Redaction): string {
  const hash = sha256 === undefined ? '' : `; its SHA-256 was ${sha256}`
  return `the text of this step was redacted by ${by} on ${new Date(at).toISOString()}${hash}`
}
