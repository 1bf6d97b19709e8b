import { z } from 'zod'
import { flag, wholeNumber } from './limits.ts'
import { group } from './parts/group.ts'
import { key } from './parts/key.ts'

const WORDS = 'must be none, or a mapping such as { depth: 1, submodules: true }'

export const cloneMapping = group('clone', {
  depth: key(
    wholeNumber(1, 1_000_000),
    'At most this many commits of the history, and no tags; by default all of both.',
    '1',
  ),
  submodules: key(
    flag,
    '`true`: with the submodules, recursively, at the commits that the tree names.',
    'true',
  ),
  lfs: key(flag, '`true`: with the Git LFS files instead of their pointers.', 'true'),
})

/** How the commit is cloned into the workspace; by default with its whole history and all tags. */
export const clone = z.union([z.literal('none', { error: WORDS }), cloneMapping], { error: WORDS })
