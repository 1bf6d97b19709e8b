import type { z } from 'zod'

/**
 * A key that may be left out, with what it means: the parser, the JSON Schema and the manual's
 * reference have it from here. `examples` are YAML, as one would write it behind the key.
 */
export function key<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  ...examples: readonly string[]
) {
  return schema.optional().meta({ description, ...(examples.length > 0 ? { examples } : {}) })
}

/** A key that must be there. */
export function requiredKey<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  ...examples: readonly string[]
): Schema {
  return schema.meta({ description, ...(examples.length > 0 ? { examples } : {}) })
}
