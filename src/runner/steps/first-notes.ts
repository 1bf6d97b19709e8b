import type { AttemptOrder } from '../../contract/rpc/attempt-requests.ts'

/** What the log of a job says before anything else. */
export function firstNotes({ notes = [], withheldIdTokens = {} }: AttemptOrder): string[] {
  const withheld = Object.entries(withheldIdTokens).map(
    ([name, reason]) => `the job runs without the id token ${name}: ${reason}`,
  )
  return [...notes, ...withheld]
}
