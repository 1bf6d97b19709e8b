import { z } from 'zod'
import { limits } from '../limits.ts'
import { parseInclude } from '../read/include-ref.ts'
import { must } from '../words.ts'
import { inputs } from './inputs.ts'
import { jobs } from './jobs.ts'
import { env } from './parts/env.ts'
import { group } from './parts/group.ts'
import { key } from './parts/key.ts'
import { templates } from './templates.ts'

const WORDS =
  'a path in this repository such as ci/lint.yml, or one like owner/name@ref:ci/lint.yml'

const one = z
  .string({ error: must(WORDS) })
  .refine((text) => parseInclude(text) !== undefined, { error: `must be ${WORDS}` })

/** Files whose jobs, templates, inputs and variables are added. */
export const include = z.union([one, z.array(one).min(1).max(limits.includes)], {
  error: must(`${WORDS}, or a list of them`),
})

const elsewhere = 'it is allowed only in the file that includes all others'

export const includedFile = group(
  'an included file',
  {
    include: key(include, 'Further files, in the same repository by default.', 'ci/base.yml'),
    inputs: key(inputs, 'As in the including file.'),
    env: key(env, 'As in the including file, whose variables take precedence.'),
    templates: key(templates, 'As in the including file.'),
    jobs: key(jobs, 'As in the including file, before whose jobs they are placed.'),
  },
  Object.fromEntries(
    ['name', 'when', 'defaults', 'image', 'concurrency'].map((name) => [name, elsewhere]),
  ),
)
