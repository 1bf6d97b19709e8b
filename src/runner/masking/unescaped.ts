/** What `\` and a letter stand for. */
const LETTERS: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  e: '\u001b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** POSIX's escapes, which `echo` of dash, Debian's `sh`, interprets by default. */
const BY_ECHO = /\\(?:(?<letter>[abfnrtv\\])|0(?<octal>[0-7]{1,3}))/g
/** The escapes of `echo -e`, `printf %b`, `$'…'` and JSON. */
const BY_OTHERS =
  /\\(?:(?<letter>[abefnrtv\\"'/])|0?(?<octal>[0-7]{1,3})|x(?<hex>[0-9A-Fa-f]{1,2})|u(?<short>[0-9A-Fa-f]{4})|U(?<long>[0-9A-Fa-f]{8}))/g

interface Escape {
  readonly letter?: string
  readonly octal?: string
  readonly hex?: string
  readonly short?: string
  readonly long?: string
}

/**
 * A text with its escapes interpreted, in the ways of several tools: a key in JSON contains `\n`, and a
 * line end when it is printed. Does not include the text itself.
 */
export function unescaped(text: string): string[] {
  if (!text.includes('\\')) return []
  const forms = new Set([
    // Some programs interpret only this one, in keys.
    text.replaceAll(String.raw`\n`, '\n'),
    read(text, BY_ECHO).replace(/\\c[\s\S]*$/, ''),
    read(text, BY_OTHERS),
  ])
  forms.delete(text)
  return [...forms]
}

function read(text: string, escapes: RegExp): string {
  return text.replaceAll(escapes, (escape: string, ...rest: unknown[]) => {
    const { letter, octal, hex, short, long } = rest.at(-1) as Escape
    if (letter !== undefined) return LETTERS[letter] ?? letter
    const digits = octal ?? hex ?? short ?? long ?? ''
    const code = Number.parseInt(digits, octal === undefined ? 16 : 8)
    // Bytes above ASCII are parts of characters, and NUL is not text.
    const most = (short ?? long) === undefined ? 0x7f : 0x10ffff
    return code > 0 && code <= most ? String.fromCodePoint(code) : escape
  })
}
