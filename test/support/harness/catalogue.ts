import { styleText } from 'node:util'
import type { FileResult, TestResult } from './result.ts'

/** Result of an attack: it was blocked, it succeeded, or it could not be tried here. */
type Verdict = 'held' | 'not held' | 'not tried'

export interface Attack {
  /** Such as `SEC-03` or `NET-07b`, which is never reused. */
  readonly id: string
  /** What was tried, as a sentence. */
  readonly what: string
  readonly verdict: Verdict
  /** Why it could not be tried. */
  readonly reason?: string
}

const TITLE = /^([A-Z]{3,4}-\d{2}[a-z]?): (.+)$/
const VERDICTS = { passed: 'held', failed: 'not held', skipped: 'not tried' } as const
const MARKS: Readonly<Record<Verdict, string>> = {
  held: styleText('green', 'held     '),
  'not held': styleText('red', 'NOT HELD '),
  'not tried': styleText('yellow', 'not tried'),
}

/** The worst is last. */
const ORDER: readonly Verdict[] = ['held', 'not tried', 'not held']

/**
 * The attacks in the tests of these files, by their ids; of several parts, the worst counts. Variants under
 * one id have a line each. A failure of a test without an id is an attack of its own: it must not be lost.
 */
export function attacksOf(files: readonly FileResult[]): Attack[] {
  const attacks = new Map<string, Attack>()
  for (const { file, tests } of files) {
    for (const test of tests) {
      const attack = attackOf(file, test)
      if (!attack) continue
      const key = `${attack.id}: ${attack.what}`
      attacks.set(key, worse(attacks.get(key), attack))
    }
  }
  const compare = new Intl.Collator('en', { numeric: true }).compare
  return [...attacks.values()].toSorted((one, other) => compare(one.id, other.id))
}

const NO_ID = '?'

function attackOf(file: string, { path, outcome, reason }: TestResult): Attack | undefined {
  const [, id, what] = path.map((name) => TITLE.exec(name)).findLast((found) => found) ?? []
  const verdict = VERDICTS[outcome]
  if (id && what) return { id, what, verdict, ...(reason ? { reason } : {}) }
  if (verdict !== 'not held') return undefined
  return { id: NO_ID, what: [file, ...path].join(' › '), verdict }
}

function worse(former: Attack | undefined, attack: Attack): Attack {
  if (!former) return attack
  return ORDER.indexOf(former.verdict) > ORDER.indexOf(attack.verdict) ? former : attack
}

/** The catalogue as printed; its last line says how many attacks were not blocked. */
export function catalogue(attacks: readonly Attack[]): string {
  const width = Math.max(0, ...attacks.map(({ id }) => id.length))
  const lines = attacks.map(({ id, what, verdict, reason }) => {
    const why = reason ? ` (${reason})` : ''
    return `${id.padEnd(width)}  ${MARKS[verdict]}  ${what}${why}`
  })
  const count = (verdict: Verdict): number =>
    attacks.filter((attack) => attack.verdict === verdict).length
  const counts = `${count('held')} held, ${count('not held')} not held, ${count('not tried')} not tried`
  return [...lines, '', counts].join('\n')
}
