import { BUGS } from './bugs.ts'
import { type PlantedOptions, type PlantedResult, runPlanted } from './run-planted.ts'

/** So many runs at the same time: most of their time they wait. */
export const AT_ONCE = 3

/** Runs the bugs of these names, or all, and tells each result as soon as it is there. */
export async function runAll(
  names: readonly string[],
  options: PlantedOptions,
  tell: (result: PlantedResult) => void,
): Promise<PlantedResult[]> {
  const unknown = names.find((name) => !BUGS.some((bug) => bug.name === name))
  if (unknown) throw new RangeError(`there is no planted bug ${unknown}`)
  const chosen = BUGS.filter(({ name }) => names.length === 0 || names.includes(name))
  const waiting = chosen.values()
  const results: PlantedResult[] = []
  const workers = Array.from({ length: AT_ONCE }, async () => {
    for (const bug of waiting) {
      const result = await runPlanted(bug, options)
      tell(result)
      results.push(result)
    }
  })
  await Promise.all(workers)
  return results
}
