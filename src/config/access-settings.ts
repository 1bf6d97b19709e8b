import { z } from 'zod'
import { OPENINGS, type Opening } from '../core/access/opening.ts'
import { setting } from './setting.ts'
import { secret } from './values.ts'

/** What is shown and asked for by whom; see the manual's page "Access". */
export const ACCESS_SETTINGS = {
  token: setting({
    value: 'token',
    help: 'what a runner shows to join, once: see `narwhal runner token`; or an access token',
    schema: z.string().min(1),
  }),
  'first-token': setting({
    value: 'secret',
    help: 'the first access token, where none is made yet; else one is made',
    schema: z
      .string()
      .regex(/^[!-~]{32,200}$/, 'must have 32 to 200 printable characters, no blanks'),
  }),
  open: setting({
    value: 'list',
    help: `what asks nobody for a credential, with commas between them: ${OPENINGS.join(', ')}`,
    schema: z.string().transform((text, context): readonly Opening[] => {
      const names = text.split(',').filter((name) => name !== '')
      const known = OPENINGS.filter((name) => names.includes(name))
      if (known.length === new Set(names).size) return known
      context.addIssue(`must be of ${OPENINGS.join(', ')}, with commas between them`)
      return z.NEVER
    }),
    fallback: '',
  }),
  'metrics-token': setting({
    value: 'secret',
    help: 'what opens /metrics, and nothing else, as a bearer token: for Prometheus',
    schema: secret,
  }),
  'runner-token': setting({
    value: 'secret',
    help: 'what a dispatcher must show to a dialled runner; else one is made',
    schema: secret,
  }),
} as const
