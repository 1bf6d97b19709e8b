import { base64Patterns, type Pattern, twiceBase64Patterns } from './base64-forms.ts'
import { isJson, jsonValues, shortJsonValues } from './json-values.ts'
import { unescaped } from './unescaped.ts'

/** The forms of secrets to search for. */
export interface SecretForms {
  /** Byte for byte. */
  readonly exact: readonly Pattern[]
  /** Encodings that tools may wrap anywhere: line ends within them are ignored. */
  readonly wrapped: readonly Pattern[]
}

/** Shorter ones would mask text that isn't secret. */
export const SHORTEST_FORM = 4
/** The same for one line of several: `{`, `},` and `name:` are in every log. */
const SHORTEST_LINE = 8
/** A longer value is not searched for in base64 of base64, which takes much memory. */
const LONGEST_TWICE = 4 * 1024

/** The lines around a key. */
const ARMOUR = /^-{4,5} ?(?:BEGIN|END) [A-Z0-9 ]+ ?-{4,5}$/
const LINE_END = /\r\n|\r|\n/
const PUNCTUATION = /^[\s{}[\]()<>:;,"'=-]*$/

/**
 * All forms of values that are masked: the value itself and each of its lines, also with escapes
 * interpreted; the strings in it if it is JSON; each as in URLs, JSON, XML and shell scripts, in
 * hexadecimal, in base64 and base64url at each of the three possible offsets, and in base64 of that.
 */
export function formsOf(values: Iterable<string>): SecretForms {
  const exact = new Set<string>()
  const wrapped: Pattern[] = []
  for (const text of textsOf(values)) {
    for (const form of escapedForms(text)) for (const line of linesOf(form)) exact.add(line)
    const bytes = Buffer.from(text)
    wrapped.push(...hexForms(bytes), ...base64Patterns(bytes))
    if (bytes.length <= LONGEST_TWICE) wrapped.push(...twiceBase64Patterns(bytes))
  }
  const patterns = [...exact].map((form) => ({ bytes: Buffer.from(form) }))
  return { exact: usable(patterns), wrapped: usable(wrapped) }
}

/** The texts to mask, each with and without surrounding white space. */
function textsOf(values: Iterable<string>): Set<string> {
  const texts = new Set<string>()
  for (const value of values) {
    for (const text of [value, ...jsonValues(value)].flatMap((one) => [one, ...unescaped(one)])) {
      const trimmed = text.trim()
      if (trimmed.length < SHORTEST_FORM) continue
      texts.add(trimmed)
      // Each is searched for with trailing line ends as well.
      if (text !== `${trimmed}\n`) texts.add(text)
    }
  }
  return texts
}

function usable(patterns: readonly Pattern[]): Pattern[] {
  return patterns.filter(({ bytes }) => bytes.length >= SHORTEST_FORM)
}

/**
 * The lines of a text, each on its own. Lines that are too short for that are searched for after the
 * lines before them, and all lines together if none is long enough.
 */
function linesOf(form: string): string[] {
  const text = form.trim()
  const lines = text.split(LINE_END)
  if (lines.length === 1) return [text]
  const { isKnown, isShort } = kindsOfLines(text)
  const known = lines.filter(isKnown).map((line) => line.trim())
  if (known.length === 0) return [lines.join('\n'), lines.join('\r\n')]
  const behind = lines.slice(lines.findIndex(isKnown), lines.findLastIndex(isShort) + 1)
  return [...known, ...['\n', '\r\n'].map((end) => behind.join(end).trim())]
}

/** Which lines of a text are searched for on their own, and which matter but are too short for that. */
function kindsOfLines(text: string) {
  const least = text.length < SHORTEST_LINE ? SHORTEST_FORM : SHORTEST_LINE
  const isTelling = (line: string): boolean => !ARMOUR.test(line.trim()) && !PUNCTUATION.test(line)
  const isKnown = (line: string): boolean => isTelling(line) && line.trim().length >= least
  const isShort = (line: string): boolean => isTelling(line) && !isKnown(line)
  return { isKnown, isShort }
}

/** How many lines of a value, or strings in it if it is JSON, are too short to be masked on their own. */
export function countShortParts(value: string): number {
  const text = value.trim()
  const short = new Set(shortJsonValues(text))
  const lines = text.split(LINE_END)
  if (lines.length > 1 && !isJson(text)) {
    for (const line of lines.filter(kindsOfLines(text).isShort)) short.add(line.trim())
  }
  return short.size
}

function escapedForms(text: string): string[] {
  return [text, ...urlForms(text), ...jsonForms(text), ...xmlForms(text), ...shellForms(text)]
}

function urlForms(text: string): string[] {
  const usual = encodeURIComponent(text)
  const strict = usual.replaceAll(/[!'()*]/g, hexEscape)
  const forms = [usual, strict].flatMap((one) => [
    one,
    one.replaceAll('%20', '+'),
    one.replaceAll('%2F', '/'),
  ])
  return [...forms, ...forms.map((one) => one.replaceAll(/%../g, (code) => code.toLowerCase()))]
}

function hexEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

function jsonForms(text: string): string[] {
  const usual = JSON.stringify(text).slice(1, -1)
  const forms = [usual, usual.replaceAll('/', '\\/'), usual.replaceAll(/[<>&]/g, unicodeEscape)]
  return forms.flatMap((one) => [one, one.replaceAll(/[\u007f-\uffff]/g, unicodeEscape)])
}

function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function xmlForms(text: string): string[] {
  const markup = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const quoted = markup.replaceAll('"', '&quot;')
  const ends = ['&#39;', '&apos;', '&#x27;', "'"].map((end) => quoted.replaceAll("'", end))
  return [markup, ...ends]
}

function shellForms(text: string): string[] {
  return [
    text.replaceAll("'", String.raw`'\''`),
    text.replaceAll("'", `'"'"'`),
    text.replaceAll(/[^\w./:=@%+,-]/g, String.raw`\$&`),
    text.replaceAll(/["$`\\]/g, String.raw`\$&`),
    // Escaped by doubling, where `$` or `%` are special.
    text.replaceAll('$', '$$$$'),
    text.replaceAll('%', '%%'),
  ]
}

function hexForms(bytes: Buffer): Pattern[] {
  const hex = bytes.toString('hex')
  return [hex, hex.toUpperCase()].map((one) => ({ bytes: Buffer.from(one) }))
}
