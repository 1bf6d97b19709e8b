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
  return "can't name a secret: use capital letters, digits and `_`, starting with a letter, and no name reserved by Narwhal"
}

const variable = envName.refine((name) => !isReservedName(name), {
  error: 'is a variable that Narwhal sets itself',
})

/** Secrets by the variables that steps get them in; in a list both have the same name. */
export const secrets = z.union(
  [
    z.array(secretName).max(MOST_SECRETS),
    z.record(variable, secretName).refine((all) => Object.keys(all).length <= MOST_SECRETS, {
      error: `must have at most ${MOST_SECRETS} secrets`,
    }),
  ],
  { error: must('a list of names, or a mapping of variables to names') },
)
export type Secrets = z.infer<typeof secrets>

export function secretsByVariable(given: Secrets): Record<string, string> {
  return Array.isArray(given) ? Object.fromEntries(given.map((name) => [name, name])) : given
}
