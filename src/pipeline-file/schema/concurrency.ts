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
    'The name of the group, within the repository. `${branch}`, `${tag}`, `${ref}`, `${event}`, `${inputs.NAME}` and, of a job, `${matrix.AXIS}` and `${params.NAME}` stand for their values.',
    "'deploy-${branch}'",
  ),
  limit: key(wholeNumber(1, 100), 'How many go on at a time; else 1.', '2'),
  policy: key(
    z.enum(POLICIES, { error: `must be one of ${POLICIES.join(', ')}` }),
    '`queue` (unless told): each waits for its turn. `cancel-superseded`: besides, a newer one cancels those of older pipelines of the same ref, whether they wait or run.',
    'cancel-superseded',
  ),
})

/** A text is the group. */
export const concurrency = z.union([displayName, concurrencyMapping], {
  error: must("a group's name or a mapping"),
})
export type ConcurrencyKey = z.infer<typeof concurrency>
