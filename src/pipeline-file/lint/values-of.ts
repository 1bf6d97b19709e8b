export type Values = Readonly<Record<string, unknown>>

/** The values of a mapping; of anything else none. */
export function valuesOf(value: unknown): Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Values)
    : {}
}
