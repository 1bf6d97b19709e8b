const LONGEST_FIRST_LOOK = 10_000

// Control characters, those that turn the direction of what follows them on a screen, and those that have no
// width; joiners stay, since emoji and some languages need them.
const HIDDEN =
  /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu

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

/** The same text with what nobody could see written out, as `\u{202e}`: for names that must be told apart. */
export function withHiddenShown(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}
