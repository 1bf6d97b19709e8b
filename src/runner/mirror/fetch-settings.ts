/**
 * Harmless faults of honest old repositories: the many ways in which tools of their time wrote the author
 * and the date of a commit or tag, and modes with leading zeros. An object with any other fault is
 * rejected. See git-fsck(1).
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
 * Objects are checked as they are received. Every fetch creates one pack, because packs, unlike loose
 * objects, appear atomically. A mirror need not survive a power cut: a broken one is recreated.
 */
export const FETCH_SETTINGS = [
  'fetch.unpackLimit=1',
  'fetch.fsckObjects=true',
  'transfer.fsckObjects=true',
  'core.fsync=none',
  ...FSCK_IGNORED.map((fault) => `fetch.fsck.${fault}=ignore`),
].flatMap((setting) => ['-c', setting])
