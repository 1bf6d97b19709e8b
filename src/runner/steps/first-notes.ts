import type { AttemptOrder } from '../../contract/rpc/attempt-requests.ts'

/** The first lines of a job's log. */
export function firstNotes({ notes = [], withheldIdTokens = {} }: AttemptOrder): string[] {
  const withheld = Object.entries(withheldIdTokens).map(
    ([name, reason]) => `the job runs without the id token ${name}: ${reason}`,
  )
  return [...notes, ...withheld]
}
