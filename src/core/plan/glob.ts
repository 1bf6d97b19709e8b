/** One part of a pattern. */
type Part =
  | { readonly kind: 'character'; readonly character: string }
  /** `?`: any character but `/`. */
  | { readonly kind: 'one' }
  /** `*`: any characters but `/`; `**`: any characters. */
  | { readonly kind: 'star'; readonly slashes: boolean }
  /** A `**` with its slash: nothing, or whole folders. */
  | { readonly kind: 'folders' }

export const LONGEST_GLOB = 500

/**
 * Whether a text (a branch, a tag, a path) matches a whole pattern: `*` matches anything but `/`, `**`
 * anything, a `**` folder also none, `?` one character, everything else itself. Simulates the NFA, so it
 * takes at most O(text × pattern).
 */
export function matchesGlob(text: string, pattern: string): boolean {
  const parts = readParts(pattern)
  let places = close(parts, [0], true)
  let before = '/'
  for (const character of text) {
    const next: number[] = []
    for (const place of places) {
      const part = parts[place]
      if (!part) continue
      const stays = part.kind === 'star' && (part.slashes || character !== '/')
      if (stays || part.kind === 'folders') next.push(place)
      else if (part.kind === 'one' ? character !== '/' : isCharacter(part, character)) {
        next.push(place + 1)
      }
    }
    if (next.length === 0) return false
    before = character
    places = close(parts, next, before === '/')
  }
  return places.includes(parts.length)
}

/**
 * Whether a text matches a list of patterns, of which those that begin with `!` exclude: it must match one of
 * the others, if there are any, and none of the exclusions.
 */
export function matchesGlobs(text: string, patterns: readonly string[]): boolean {
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!'))
  const unwanted = patterns.filter((pattern) => pattern.startsWith('!'))
  return (
    (wanted.length === 0 || wanted.some((pattern) => matchesGlob(text, pattern))) &&
    !unwanted.some((pattern) => matchesGlob(text, pattern.slice(1)))
  )
}

function isCharacter(part: Part, character: string): boolean {
  return part.kind === 'character' && part.character === character
}

function readParts(pattern: string): Part[] {
  const parts: Part[] = []
  const characters = Array.from(pattern)
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i] ?? ''
    if (character === '?') parts.push({ kind: 'one' })
    else if (character !== '*') parts.push({ kind: 'character', character })
    else {
      let stars = 1
      while (characters[i + 1] === '*') [i, stars] = [i + 1, stars + 1]
      const startsFolder = i + 1 - stars === 0 || characters[i - stars] === '/'
      if (stars > 1 && startsFolder && characters[i + 1] === '/') {
        parts.push({ kind: 'folders' })
        i++
      } else parts.push({ kind: 'star', slashes: stars > 1 })
    }
  }
  return parts
}

/** The epsilon closure: the places, and those reachable without consuming a character. */
function close(parts: readonly Part[], places: readonly number[], atFolder: boolean): number[] {
  const reached = new Set<number>()
  for (let place of places) {
    for (;;) {
      if (reached.has(place)) break
      reached.add(place)
      const part = parts[place]
      const isEmpty = part?.kind === 'star' || (part?.kind === 'folders' && atFolder)
      if (!isEmpty) break
      place++
    }
  }
  return [...reached]
}
