import { z } from 'zod'
import { group } from './group.ts'
import { key } from './key.ts'
import { wholeNumber } from './limits.ts'

const WORDS = 'must be none, or a mapping such as { depth: 1 }'

export const cloneMapping = group(
  'clone',
  {
    depth: key(
      wholeNumber(1, 1_000_000),
      'So many commits of the history, and no tags; else all of both.',
      '1',
    ),
  },
  { submodules: 'it can not be done yet', lfs: 'it can not be done yet' },
)

/** How the commit comes into the workspace; without the key, with its whole history and tags. */
export const clone = z.union([z.literal('none', { error: WORDS }), cloneMapping], { error: WORDS })
