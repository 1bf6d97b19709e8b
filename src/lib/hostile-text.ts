const MAX_SCANNED = 10_000

// Control characters, those that change the direction of text, and those of zero width; joiners stay, since
// emoji and some scripts need them.
const HIDDEN =
  /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu

/**
 * The first non-empty line, safe for one line on a screen: no control characters, no lone surrogates, at most
 * `longest` UTF-16 units. The text may have any length.
 */
export function firstLine(text: string, longest: number): string {
  const [line = ''] = text
    .slice(0, MAX_SCANNED)
    .trimStart()
    .split(/[\r\n\u2028\u2029]/, 1)
  const clean = line.replaceAll('\t', ' ').replace(HIDDEN, '').trim()
  // A surrogate pair that was cut in half is dropped.
  const cut = clean.slice(0, longest).replace(/[\ud800-\udbff]$/, '')
  return cut.toWellFormed()
}

/** The text with invisible characters escaped, as `\u{202e}`: for names that must be distinguishable. */
export function withHiddenShown(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}
