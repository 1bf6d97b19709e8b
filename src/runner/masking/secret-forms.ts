/** In what forms the value of a secret is looked for. */
export interface SecretForms {
  /** As they are, byte for byte. */
  readonly exact: readonly Buffer[]
  /** Encodings that tools break into lines anywhere: line ends within them do not count. */
  readonly wrapped: readonly Buffer[]
}

/** Shorter ones would blot out what is no secret. */
export const SHORTEST_FORM = 4
/** A longer value is not looked for in base64 of base64, which takes much memory. */
const LONGEST_TWICE = 4 * 1024

/**
 * All forms of some values that are masked: the value itself and each of its lines; as it stands in
 * URLs, JSON, XML and shell scripts; hexadecimal; base64 and base64url at each of the three places
 * that a value can have in what is encoded, and base64 of that.
 */
export function formsOf(values: Iterable<string>): SecretForms {
  const exact = new Set<string>()
  const wrapped = new Set<string>()
  for (const value of values) {
    if (value.trim().length < SHORTEST_FORM) continue
    // Tools are fed a value with and without the blanks around it.
    for (const text of new Set([value, value.trim()])) {
      for (const form of escapedForms(text)) for (const line of linesOf(form)) exact.add(line)
      for (const form of encodedForms(Buffer.from(text))) wrapped.add(form)
    }
  }
  return { exact: usable(exact), wrapped: usable(wrapped) }
}

function usable(forms: ReadonlySet<string>): Buffer[] {
  return [...forms].map((form) => Buffer.from(form)).filter(({ length }) => length >= SHORTEST_FORM)
}

/** The lines of a text, each by itself; as a whole where a line is too short to be known again. */
function linesOf(form: string): string[] {
  const lines = form.split(/\r\n|\r|\n/).map((line) => line.trim())
  const isAll = lines.every(({ length }) => length === 0 || length >= SHORTEST_FORM)
  if (isAll) return lines
  const text = form.trim()
  return [...lines, ...['\n', '\r\n'].map((end) => text.replaceAll(/\r\n|\r|\n/g, end))]
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
    // Where `$` or `%` would begin something, they are doubled.
    text.replaceAll('$', '$$$$'),
    text.replaceAll('%', '%%'),
  ]
}

function encodedForms(bytes: Buffer): string[] {
  const hex = bytes.toString('hex')
  const once = base64Forms(bytes)
  const twice =
    bytes.length > LONGEST_TWICE
      ? []
      : base64Cores(bytes).flatMap((one) => base64Forms(Buffer.from(one)))
  return [hex, hex.toUpperCase(), ...once, ...twice]
}

function base64Forms(bytes: Buffer): string[] {
  const whole = [bytes, Buffer.concat([bytes, Buffer.from('\n')])].map((one) =>
    one.toString('base64'),
  )
  const forms = [...base64Cores(bytes), ...whole]
  return [...forms, ...forms.map((one) => one.replaceAll('+', '-').replaceAll('/', '_'))]
}

/**
 * What the bytes are in the midst of something that is encoded: it depends on how many bytes stand
 * before them, modulo 3. Characters that depend on their neighbours are left out.
 */
function base64Cores(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    const first = Math.ceil((before * 8) / 6)
    const end = Math.floor(((before + bytes.length) * 8) / 6)
    return text.slice(first, end)
  })
}
