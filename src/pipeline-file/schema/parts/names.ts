import { z } from 'zod'
import { isImageReference } from '../../../core/image-reference.ts'
import { isPackageName } from '../../../core/plan/package-name.ts'
import { fillIn } from '../../placeholders.ts'
import { quote } from '../../words.ts'

export const jobName = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,64}$/, "can't name a job: use 1 to 64 letters, digits, `.`, `_` or `-`")

/** A name for people. Control characters and bidirectional overrides would let it pose as another. */
export const displayName = z
  .string()
  .regex(/\S/, 'must not be empty')
  .regex(
    /^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]*$/u,
    'must be one line of printable characters',
  )
  .max(100)

export const envName = z
  .string()
  .regex(
    /^[A-Za-z_][A-Za-z0-9_]*$/,
    "can't name an environment variable: use letters, digits and `_`, no leading digit",
  )
  .max(200)

const LABEL = /^[A-Za-z0-9_.:/-]{1,100}$/

export function isLabel(text: string): boolean {
  return LABEL.test(text)
}

export const label = z
  .string()
  .max(200)
  .refine((text) => isLabel(fillIn(text, () => 'x')), {
    error: 'must have 1 to 100 letters, digits, `_`, `.`, `:`, `/` or `-`',
  })

export const packageName = z.string().refine(isPackageName, {
  error: ({ input }) => `can't be a package: ${quote(String(input))}`,
})

export const image = z
  .string()
  .refine((text) => isImageReference(fillIn(text, () => 'x')), {
    error: ({ input }) =>
      `can't be a container image: ${quote(String(input))}; write it like node:24, or registry.example/team/image:tag`,
  })
  .meta({ examples: ['node:24', 'ghcr.io/team/image:tag'] })
