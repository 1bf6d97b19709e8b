import { z } from 'zod'
import { isReservedName, isSecretName } from '../../core/secret/secret-name.ts'
import { must } from '../words.ts'
import { envName } from './parts/names.ts'

const MOST_SECRETS = 100

export const secretName = z
  .string({ error: must('the name of a secret') })
  .refine(isSecretName, { error: ({ input }) => wrongName(input) })
  .max(100)

function wrongName(given: unknown): string {
  const capital = typeof given === 'string' ? given.toUpperCase().replaceAll(/[-. ]/g, '_') : ''
  if (isSecretName(capital)) return `can't name a secret: did you mean ${capital}?`
  return "can't name a secret: use capital letters, digits and `_`, a letter first, and no name of Narwhal's own"
}

const variable = envName.refine((name) => !isReservedName(name), {
  error: 'is a variable that Narwhal sets itself',
})

/** Secrets by the variables that steps find them in; a list names both alike. */
export const secrets = z.union(
  [
    z.array(secretName).max(MOST_SECRETS),
    z.record(variable, secretName).refine((all) => Object.keys(all).length <= MOST_SECRETS, {
      error: `must hold at most ${MOST_SECRETS} secrets`,
    }),
  ],
  { error: must('a list of names, or a mapping of variables to names') },
)
export type Secrets = z.infer<typeof secrets>

/** The names of secrets by the variables that they are given in. */
export function secretsByVariable(given: Secrets): Record<string, string> {
  return Array.isArray(given) ? Object.fromEntries(given.map((name) => [name, name])) : given
}
