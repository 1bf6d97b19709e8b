import { z } from 'zod'
import { must } from '../words.ts'
import { text } from './parts/text.ts'

const commandText = text.regex(/\S/, 'must not be empty')

/** A script; a list is its lines. */
export const command = z.union([commandText, z.array(commandText).min(1)], {
  error: must('a string or a list of strings'),
})

export function commandToScript(given: z.infer<typeof command>): string {
  return typeof given === 'string' ? given : given.join('\n')
}
