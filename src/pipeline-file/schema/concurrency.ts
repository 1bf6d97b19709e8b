import { z } from 'zod'
import { must } from '../words.ts'
import { wholeNumber } from './limits.ts'
import { group } from './parts/group.ts'
import { key, requiredKey } from './parts/key.ts'
import { displayName } from './parts/names.ts'

export const POLICIES = ['queue', 'cancel-superseded'] as const

export const concurrencyMapping = group('concurrency', {
  group: requiredKey(
    displayName,
    'The name of the group, within the repository. `${branch}`, `${tag}`, `${ref}`, `${event}`, `${inputs.NAME}` and, of a job, `${matrix.AXIS}` and `${params.NAME}` are replaced by their values.',
    "'deploy-${branch}'",
  ),
  limit: key(wholeNumber(1, 100), 'How many may be in progress at the same time; default: 1.', '2'),
  policy: key(
    z.enum(POLICIES, { error: `must be one of ${POLICIES.join(', ')}` }),
    '`queue` (the default): each waits for its turn. `cancel-superseded`: a newer one also cancels those of older pipelines of the same ref, whether they wait or run.',
    'cancel-superseded',
  ),
})

/** Just text is the group. */
export const concurrency = z.union([displayName, concurrencyMapping], {
  error: must("a group's name or a mapping"),
})
export type ConcurrencyKey = z.infer<typeof concurrency>
