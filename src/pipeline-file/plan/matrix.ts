import type { Issue } from '../issues.ts'
import type { Matrix, Scalar } from '../schema/matrix.ts'
import { quote } from '../words.ts'
import type { NamedValues, TextAt } from './facts.ts'

export const MOST_COMBINATIONS = 256

/**
 * All combinations of the axes' values without the excluded ones, followed by the included ones. Too many are
 * an issue, and so is an exclusion that can never apply.
 */
export function expandMatrix(
  matrix: Matrix,
  path: readonly PropertyKey[],
  textAt: TextAt,
): { combinations: NamedValues[]; issues: Issue[] } {
  const { include = [], exclude = [], ...axes } = matrix
  const names = Object.keys(axes)
  const read = (value: Scalar, at: readonly PropertyKey[]) => ({
    value,
    text: typeof value === 'string' ? value : (textAt([...path, ...at]) ?? String(value)),
  })
  const valuesAt = (one: Readonly<Record<string, Scalar>>, at: readonly PropertyKey[]) =>
    new Map(Object.entries(one).map(([name, value]) => [name, read(value, [...at, name])]))
  const count = names.reduce((product, name) => product * (axes[name]?.length ?? 1), 1)
  const most = (names.length === 0 ? 0 : count) + include.length
  if (most > MOST_COMBINATIONS) {
    const message = `makes ${most} combinations: at most ${MOST_COMBINATIONS} are allowed`
    return { combinations: [], issues: [{ path, message, at: 'key' }] }
  }
  const issues = exclude.flatMap((one, i) =>
    Object.keys(one)
      .filter((name) => !names.includes(name))
      .map((name): Issue => {
        const message = `is not an axis of this matrix: ${quote(name)}`
        return { path: [...path, 'exclude', i, name], message, at: 'key' }
      }),
  )
  let combinations: NamedValues[] = names.length === 0 ? [] : [new Map()]
  for (const name of names) {
    const values = (axes[name] ?? []).map((value, i) => read(value, [name, i]))
    combinations = combinations.flatMap((one) =>
      values.map((value) => new Map(one).set(name, value)),
    )
  }
  const excluded = exclude.map((one, i) => valuesAt(one, ['exclude', i]))
  const kept = combinations.filter((one) => !excluded.some((values) => hasValues(one, values)))
  const added = include.map((one, i) => valuesAt(one, ['include', i]))
  const all = [...kept, ...added]
  if (all.length === 0 && issues.length === 0) {
    issues.push({ path, message: 'has no combination left', at: 'key' })
  }
  return { combinations: all, issues }
}

/** Compared as the job sees them: `3.1` is not `3.10`, but `"3.1"`. */
function hasValues(combination: NamedValues, values: NamedValues): boolean {
  return values.entries().every(([name, { text }]) => combination.get(name)?.text === text)
}
