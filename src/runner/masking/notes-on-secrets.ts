import { countShortParts } from './secret-forms.ts'

/**
 * Notes for a job's log on the parts of its secrets that are not masked, since they are in every log: the
 * variables' names, never the values.
 */
export function notesOnSecrets(
  secrets: Readonly<Record<string, string>>,
  notMasked: readonly string[],
): string[] {
  const notes: string[] = []
  if (notMasked.length > 0) notes.push(`logs show ${notMasked.join(', ')}: set with --not-masked`)
  const short = Object.entries(secrets).flatMap(([name, value]) => {
    const count = countShortParts(value)
    if (count === 0) return []
    return [`${count === 1 ? 'a short part' : `${count} short parts`} of ${name}`]
  })
  if (short.length > 0) notes.push(`not masked where they stand alone: ${short.join(', ')}`)
  return notes
}
