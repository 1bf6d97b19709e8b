import type { CrashReport, CrashResult } from './crash-points.ts'

/** `sqlite up 12: jobs.save: before the commit: resumed after 1.4 s, attempts +1`. */
export function resultLine(result: CrashResult): string {
  const { kind, role, at, name, end, ms, moreAttempts, wrong } = result
  const seconds = `${(ms / 1000).toFixed(1)} s`
  const attempts = moreAttempts === 0 ? '' : `, attempts +${moreAttempts}`
  const why = wrong.map((one) => `\n  ${one}`).join('')
  return `${kind} ${role} ${at}: ${name || 'it did not come'}: ${end}, ${seconds}${attempts}${why}`
}

/** `crash points: 84 of 84 resumed`, and what else there is to say. */
export function summaryLine({ results, leftOut }: CrashReport): string {
  const count = (end: CrashResult['end']): number => results.filter((one) => one.end === end).length
  const missed = count('not reached')
  const notes = [
    missed > 0 ? `, ${missed} not reached` : '',
    leftOut > 0 ? `, no time for ${leftOut} more` : '',
  ]
  return `crash points: ${count('resumed')} of ${results.length - missed} resumed${notes.join('')}`
}
