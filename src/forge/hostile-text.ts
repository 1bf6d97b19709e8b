const LONGEST_FIRST_LOOK = 10_000

// Control characters, and those that turn the direction of what follows them on a screen.
const HIDDEN = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu

/**
 * The first line that says something, for one line on a screen: no control characters, no lone
 * surrogates, at most `longest` UTF-16 units. The text may be of any length.
 */
export function firstLine(text: string, longest: number): string {
  const [line = ''] = text
    .slice(0, LONGEST_FIRST_LOOK)
    .trimStart()
    .split(/[\r\n\u2028\u2029]/, 1)
  const clean = line.replaceAll('\t', ' ').replace(HIDDEN, '').trim()
  // A pair of surrogates that the cut has parted leaves nothing.
  const cut = clean.slice(0, longest).replace(/[\ud800-\udbff]$/, '')
  return cut.toWellFormed()
}
