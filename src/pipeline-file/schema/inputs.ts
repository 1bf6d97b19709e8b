import { z } from 'zod'
import { must } from '../words.ts'
import { scalar } from './matrix.ts'
import { group } from './parts/group.ts'
import { key } from './parts/key.ts'
import { text } from './parts/text.ts'

const TYPES = ['text', 'number', 'boolean', 'choice'] as const

export const input = group('an input', {
  type: key(
    z.enum(TYPES, { error: `must be one of ${TYPES.join(', ')}` }),
    'The type of the value: `text` (the default), `number`, `boolean` or `choice`.',
    'choice',
  ),
  options: key(
    z
      .array(text, { error: must('a list of strings') })
      .min(1)
      .max(100),
    'The choices of a `choice`.',
    '[staging, production]',
  ),
  default: key(
    scalar,
    'The value when none is passed; without a default the input is required.',
    'staging',
  ),
  description: key(text.max(500), 'Help text for the person who starts the pipeline.'),
})
export type Input = z.infer<typeof input>

/** The name of an input, or of a template's parameter. */
export const inputName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,49}$/, "can't be a name here: use lowercase letters, digits and `_`")

export const inputs = z
  .record(inputName, input, { error: must('a mapping of names to inputs') })
  .refine((all) => Object.keys(all).length <= 50, { error: 'must have at most 50 entries' })
export type Inputs = z.infer<typeof inputs>
