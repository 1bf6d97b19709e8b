import type { AddressPlace } from '../../forge/forge-hooks.ts'
import type { WebhookRepository } from '../../forge/parsed-webhook.ts'
import { parseJson } from '../../lib/parse-json.ts'

/** No forge nests as deep. */
const MAX_DEPTH = 200
/** A name of 300 characters, each written as \uXXXX, and its quotes. */
const MAX_TEXT = 2_000
const MAX_DIGITS = 20

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a]
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST] = [0x7b, 0x7d, 0x5b, 0x5d]
const BLANKS: ReadonlySet<number | undefined> = new Set([0x20, 0x09, 0x0a, 0x0d])

/** The result of one pass over JSON. */
interface Scanned {
  /** The nesting depth. */
  readonly deepest: number
  readonly id?: unknown
  readonly name?: unknown
}

/** Whether JSON nests deeper than any forge's payload. */
export function isTooDeep(json: Uint8Array): boolean {
  return scan(json).deepest > MAX_DEPTH
}

/**
 * Finds the repository in a payload whose signature is not checked yet, without parsing the rest: one
 * pass, no recursion, and no memory except the two values. It may be wrong about text that is not JSON
 * or has duplicate keys: once the signature is checked, the parsed payload must be compared with this.
 */
export function scanAddress(json: Uint8Array, place: AddressPlace): WebhookRepository | undefined {
  const { id, name } = scan(json, place)
  return addressOf(id, name)
}

/** A repository's id and name, if these are valid. */
export function addressOf(forgeId: unknown, fullName: unknown): WebhookRepository | undefined {
  const isAddress =
    Number.isSafeInteger(forgeId) &&
    (forgeId as number) > 0 &&
    typeof fullName === 'string' &&
    fullName.length <= 300
  return isAddress ? { forgeId: forgeId as number, fullName } : undefined
}

function scan(json: Uint8Array, place?: AddressPlace): Scanned {
  const wanted = place && {
    object: Buffer.from(`"${place.object}"`),
    id: Buffer.from('"id"'),
    name: Buffer.from(`"${place.name}"`),
  }
  const found: { id?: unknown; name?: unknown } = {}
  let [depth, deepest, textFrom, textTo, isInObject] = [0, 0, 0, 0, false]
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === QUOTE) {
      ;[textFrom, textTo] = [at, endOfText(json, at)]
      at = textTo - 1
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      deepest = Math.max(deepest, ++depth)
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth--
    } else if (byte === COLON && wanted && depth <= 2) {
      const isKey = (key: Buffer): boolean => hasAt(json, key, textFrom, textTo)
      if (depth === 1) isInObject = isKey(wanted.object)
      else if (isInObject && isKey(wanted.id)) found.id = numberAt(json, at + 1)
      else if (isInObject && isKey(wanted.name)) found.name = textAt(json, at + 1)
    }
  }
  return { deepest, ...found }
}

/** The index after the closing quote, or the end of the JSON. */
function endOfText(json: Uint8Array, from: number): number {
  for (let at = from + 1; at < json.length; at++) {
    if (json[at] === QUOTE) return at + 1
    if (json[at] === BACKSLASH) at++
  }
  return json.length
}

function hasAt(json: Uint8Array, wanted: Buffer, from: number, to: number): boolean {
  return to - from === wanted.length && wanted.every((byte, index) => json[from + index] === byte)
}

function numberAt(json: Uint8Array, from: number): unknown {
  const at = skipBlanks(json, from)
  const text = asText(json, at, Math.min(json.length, at + MAX_DIGITS))
  const [digits] = /^[0-9]+(?![0-9.eE])/.exec(text) ?? []
  return digits === undefined ? undefined : parseJson(digits)
}

function textAt(json: Uint8Array, from: number): unknown {
  const at = skipBlanks(json, from)
  if (json[at] !== QUOTE) return undefined
  const end = endOfText(json, at)
  return end - at > MAX_TEXT ? undefined : parseJson(asText(json, at, end))
}

function skipBlanks(json: Uint8Array, from: number): number {
  let at = from
  while (at - from < MAX_TEXT && BLANKS.has(json[at])) at++
  return at
}

function asText(json: Uint8Array, from: number, to: number): string {
  return Buffer.from(json.buffer, json.byteOffset + from, to - from).toString()
}
