/** Faults of honest, old repositories that do no harm; every other one keeps an object out. */
export const FSCK_IGNORED = [
  'zeroPaddedFilemode',
  'badTimezone',
  'missingSpaceBeforeDate',
  'missingEmail',
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
