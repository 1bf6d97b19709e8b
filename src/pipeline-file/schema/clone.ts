import { z } from 'zod'
import { flag, wholeNumber } from './limits.ts'
import { group } from './parts/group.ts'
import { key } from './parts/key.ts'

const WORDS = 'must be none, or a mapping such as { depth: 1, submodules: true }'

export const cloneMapping = group('clone', {
  depth: key(
    wholeNumber(1, 1_000_000),
    'So many commits of the history, and no tags; else all of both.',
    '1',
  ),
  submodules: key(
    flag,
    'True: with the submodules, and theirs, at the commits that are named.',
    'true',
  ),
  lfs: key(
    flag,
    'True: with the files that Git LFS keeps, in the place of their pointers.',
    'true',
  ),
})

/** How the commit comes into the workspace; without the key, with its whole history and tags. */
export const clone = z.union([z.literal('none', { error: WORDS }), cloneMapping], { error: WORDS })
