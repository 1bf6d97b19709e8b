import type { z } from 'zod'

/** A setting: how its text is parsed and validated. */
export interface Setting<Value> {
  /** The placeholder of the flag's value in --help. */
  readonly value: string
  readonly help: string
  readonly schema: z.ZodType<Value, string>
  readonly fallback?: string
}

/** Preserves the type of the value. */
export function setting<One extends Setting<unknown>>(one: One): One {
  return one
}
