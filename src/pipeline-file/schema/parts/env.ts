import { z } from 'zod'
import { must } from '../../words.ts'
import { envName } from './names.ts'
import { text } from './text.ts'

/** Environment variables. Numbers and booleans are passed on as written. */
export const env = z.record(
  envName,
  z.union([text, z.number(), z.boolean()], { error: must('a string, a number, true or false') }),
)
export type Env = z.infer<typeof env>
