import { z } from 'zod'
import { must } from '../words.ts'
import { key } from './parts/key.ts'
import { text } from './parts/text.ts'

export const scalar = z.union([text, z.number(), z.boolean()], {
  error: must('a string, a number, true or false'),
})

const AXIS = /^[A-Za-z][A-Za-z0-9_]{0,49}$/
export const BAD_AXIS = "can't name an axis: use a letter, then letters, digits and `_`, 50 at most"

const combination = z.record(z.string().regex(AXIS, BAD_AXIS), scalar, {
  error: must('a mapping of axes to values'),
})
const combinations = z.array(combination, { error: must('a list of combinations') }).max(256)

export const matrix = z
  .object(
    {
      include: key(combinations, 'Additional combinations, with any axes.'),
      exclude: key(combinations, 'Excluded combinations: all that have these values.'),
    },
    { error: must('a mapping of axes to lists of values') },
  )
  .catchall(
    z
      .array(scalar, { error: must('a list of values') })
      .min(1)
      .max(256),
  )

export function isAxis(name: string): boolean {
  return AXIS.test(name)
}

export type Matrix = z.infer<typeof matrix>
export type Scalar = z.infer<typeof scalar>
