import { z } from 'zod'

/** Any text that a shell and an environment can represent. */
export const text = z
  .string()
  .refine((value) => !value.includes('\0'), { error: "can't contain a NUL character" })
