import type { z } from 'zod'

/** One setting: text from outside, and what it must be like. */
export interface Setting<Value> {
  /** As it stands in --help: the placeholder of the flag's value. */
  readonly value: string
  readonly help: string
  readonly schema: z.ZodType<Value, string>
  readonly fallback?: string
}

/** Keeps the type of its value. */
export function setting<One extends Setting<unknown>>(one: One): One {
  return one
}
