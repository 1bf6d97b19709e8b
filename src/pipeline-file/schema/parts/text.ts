import { z } from 'zod'

/** Any text that a shell and an environment can hold. */
export const text = z
  .string()
  .refine((value) => !value.includes('\0'), { error: "can't hold a NUL character" })
