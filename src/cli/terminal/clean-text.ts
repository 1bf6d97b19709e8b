/**
 * Neutralizes untrusted text (titles, branches, authors, logs) for the terminal: control sequences, and
 * Unicode characters that reorder or hide the text around them.
 */

/* oxlint-disable no-control-regex -- control characters are the subject of this file */

/** Bidirectional embeddings, overrides and isolates; line and paragraph separators. */
const REORDERING = '\\u2028-\\u202e\\u2066-\\u2069'
/** Marks without width, soft hyphen, byte-order mark, tag characters; joiners stay, emoji need them. */
const INVISIBLE =
  '\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2060-\\u2064\\ufeff\\u{e0000}-\\u{e007f}'

const HOSTILE_IN_LINE = new RegExp(`[\\0-\\x1f\\x7f-\\x9f${REORDERING}${INVISIBLE}]`, 'gu')
const CONTROL_IN_LOG = new RegExp(`[\\0-\\x08\\x0a-\\x1f\\x7f-\\x9f${REORDERING}]`, 'u')

/**
 * A control sequence, even if the text ends within it: CSI, the string sequences (OSC, DCS, SOS, PM,
 * APC) up to their terminator, and the short ones; each in its 7-bit and 8-bit form.
 * See ECMA-48, and https://invisible-island.net/xterm/ctlseqs/ctlseqs.html.
 */
const SEQUENCE =
  /(?:\x1b\[|\x9b)([0-?]*[ -/]*)([@-~]?)|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?/g
const SGR_PARAMETERS = /^[0-9;:]*$/
const LEFT_OVER = new RegExp(
  `[\\0-\\x08\\x0a-\\x1a\\x1c-\\x1f\\x7f-\\x9f${REORDERING}]|\\x1b(?!\\[[0-9;:]*m)`,
  'gu',
)
const SGR = /\x1b\[[0-9;:]*m/

/** One line of safe text: line breaks and tabs become spaces, hostile characters are escaped. */
export function cleanText(text: string): string {
  return text.replace(/[\t\r\n]+/g, ' ').replace(HOSTILE_IN_LINE, visible)
}

/**
 * A log line for the terminal: keeps tabs and, with `colour`, colours, which are reset at its end. Removes
 * all other control sequences; escapes characters that would reorder the text.
 */
export function cleanLogText(text: string, colour: boolean): string {
  if (!CONTROL_IN_LOG.test(text)) return text
  const kept = text
    .replace(/\r+$/, '')
    .replace(SEQUENCE, (_all, parameters?: string, final?: string) =>
      colour && final === 'm' && SGR_PARAMETERS.test(parameters ?? '') ? `\x1b[${parameters}m` : '',
    )
    // A terminal would overwrite what precedes a carriage return: nothing may be hidden that way.
    .replace(/[\r\n]+/g, ' ')
    .replace(LEFT_OVER, (character) =>
      character.charCodeAt(0) >= 0x2028 ? visible(character) : '',
    )
  return SGR.test(kept) ? `${kept}\x1b[0m` : kept
}

/** JSON that parses to the same value and is safe on a terminal. */
export function cleanJson(value: unknown, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(
    /[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${hex(character)}`,
  )
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${hex(character)}`
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0')
}
