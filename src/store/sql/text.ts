import { createHash } from 'node:crypto'

/**
 * Text that both databases can store: PostgreSQL rejects NUL, and neither keeps lone surrogates. NUL
 * becomes its picture (U+2400), a lone surrogate U+FFFD. Text inside JSON is escaped anyway.
 */
export function storableText(text: string): string {
  const whole = text.isWellFormed() ? text : text.toWellFormed()
  return whole.includes('\0') ? whole.replaceAll('\0', '\u2400') : whole
}

/** A short key for text of any length: PostgreSQL's indexes take at most 2,704 bytes. */
export function textKey(text: string): string {
  return createHash('sha256').update(storableText(text)).digest('hex')
}

/** A key for comparing names case-insensitively, the same in both databases. */
export function nameKey(name: string): string {
  return storableText(name).toLowerCase()
}
