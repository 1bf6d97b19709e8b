/**
 * What fsck finds in honest, old repositories and what does no harm: how a commit or tag says who made it and
 * when, which every tool of its time wrote in its own way, and modes with zeros in front. Any other fault keeps an
 * object out. See git-fsck(1).
 */
export const FSCK_IGNORED = [
  'badDate',
  'badDateOverflow',
  'badEmail',
  'badName',
  'badTimezone',
  'missingEmail',
  'missingNameBeforeEmail',
  'missingSpaceBeforeDate',
  'missingSpaceBeforeEmail',
  'multipleAuthors',
  'zeroPaddedDate',
  'zeroPaddedFilemode',
] as const

/**
 * Objects are checked on the way in. Every fetch makes one pack, because a pack appears whole or not
 * at all, loose objects don't. A mirror need not survive a power cut: what is broken is made anew.
 */
export const FETCH_SETTINGS = [
  'fetch.unpackLimit=1',
  'fetch.fsckObjects=true',
  'transfer.fsckObjects=true',
  'core.fsync=none',
  ...FSCK_IGNORED.map((fault) => `fetch.fsck.${fault}=ignore`),
].flatMap((setting) => ['-c', setting])
