/**
 * The level of each job by name: 0 without needs, otherwise one more than the highest of its needs. `needs`
 * must be acyclic.
 */
export function levelsOf(
  jobs: readonly { readonly name: string; readonly needs: readonly string[] }[],
): Map<string, number> {
  const levels = new Map<string, number>()
  const left = new Map(jobs.map(({ name, needs }) => [name, needs]))
  for (let level = 0; left.size > 0; level++) {
    const next = [...left].filter(([, needs]) => needs.every((need) => !left.has(need)))
    if (next.length === 0) break
    for (const [name] of next) {
      left.delete(name)
      levels.set(name, level)
    }
  }
  return levels
}
