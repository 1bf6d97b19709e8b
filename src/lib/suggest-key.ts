/** Names of the same keys in other systems. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['script', 'command'],
  ['run', 'command'],
  ['cmd', 'command'],
  ['commands', 'command'],
  ['environment', 'env'],
  ['variables', 'env'],
  ['depends_on', 'needs'],
  ['after', 'needs'],
  ['packages', 'dependencies'],
  ['tags', 'labels'],
  ['runs-on', 'labels'],
  ['container', 'image'],
  ['pipeline', 'steps'],
])

/** The known key that an unknown one most likely stands for; undefined when none is close enough. */
export function suggestKey(key: string, known: readonly string[]): string | undefined {
  const wanted = key.toLowerCase()
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  const consider = (spelling: string, meant: string): void => {
    const limit = Math.floor(spelling.length / 3)
    if (Math.abs(spelling.length - wanted.length) > limit) return
    const distance = countEdits(wanted, spelling)
    if (distance <= limit && distance < least && known.includes(meant)) {
      best = meant
      least = distance
    }
  }
  for (const meant of known) consider(meant, meant)
  for (const [spelling, meant] of SYNONYMS) consider(spelling, meant)
  return best
}

/** The edit distance: letters added, removed, replaced, or swapped with the next (Damerau-Levenshtein). */
function countEdits(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let edits = Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, (before[j - 2] ?? 0) + 1)
      }
      next.push(edits)
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
