/**
 * The properties that are neither undefined nor null: what may be missing becomes absent, as optional
 * properties require, and so do a row's NULL columns.
 */
export function present<Properties extends object>(
  properties: Properties,
): { [Key in keyof Properties]?: NonNullable<Properties[Key]> } {
  const found: { [Key in keyof Properties]?: NonNullable<Properties[Key]> } = {}
  for (const key in properties) {
    const value = properties[key]
    if (value !== null && value !== undefined) found[key] = value
  }
  return found
}
