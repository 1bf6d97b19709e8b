import { createHash } from 'node:crypto'

/**
 * Text as both databases can keep it: PostgreSQL refuses NUL, and neither keeps half of a surrogate
 * pair. NUL becomes its picture (U+2400), a lone surrogate U+FFFD. Text inside JSON needs none of
 * this, because there both are escaped.
 */
export function storableText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed()
  return whole.includes('\0') ? whole.replaceAll('\0', '\u2400') : whole
}

/** A short key for text of any length: PostgreSQL's indexes take no more than 2,704 bytes. */
export function textKey(text: string): string {
  return createHash('sha256').update(storableText(text)).digest('hex')
}

/** How names are compared: without regard to case, and alike in both databases. */
export function nameKey(name: string): string {
  return storableText(name).toLowerCase()
}
