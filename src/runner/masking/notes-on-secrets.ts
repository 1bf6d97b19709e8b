import { countShortParts } from './secret-forms.ts'

/**
 * What a job's log says of its secrets, by the variables that hold them: what of them is not looked for, since it
 * stands in every log. Never what it is.
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
