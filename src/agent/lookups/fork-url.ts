import type { CloneUrl } from '../../lib/git/git.ts'
import { parseCloneUrl } from '../../lib/git/git.ts'

const PATH = /^\w[\w.-]*\/\w[\w.-]*$/
/** The last two parts of a URL with a host: `owner/name`. */
const LAST_PARTS = /^((?:\w+:\/\/[^/]+\/|[^/:]+:(?!\/\/))(?:.*\/)?)[^/:]+\/[^/:]+?((?:\.git)?\/?)$/

/**
 * The URL of a fork at the same server: the repository's own, with the fork's path instead. Undefined if they
 * don't have the form of a server's; never another host.
 */
export function forkUrl(cloneUrl: string, fork: string): CloneUrl | undefined {
  const [, before, after] = LAST_PARTS.exec(cloneUrl) ?? []
  if (before === undefined || after === undefined || !PATH.test(fork)) return undefined
  return parseCloneUrl(`${before}${fork}${after}`)
}
