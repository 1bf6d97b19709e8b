import type { z } from 'zod'

/**
 * An optional key with its description, for the parser, the JSON Schema and the manual's reference.
 * `examples`: YAML as it would follow the key.
 */
export function key<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  ...examples: readonly string[]
) {
  return requiredKey(schema.optional(), description, ...examples)
}

/** A required key. */
export function requiredKey<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  ...examples: readonly string[]
): Schema {
  return schema.meta({ description, ...(examples.length > 0 ? { examples } : {}) })
}
