import { describeError, NarwhalError } from '../errors.ts'
import type { CloneUrl } from './git.ts'

/** What git and servers say when credentials are missing or wrong. */
const HTTP_REFUSED =
  /could not read (?:Username|Password)|asks for credentials|Authentication failed|(?:returned error:|answered) 40[13]\b/i
const SSH_REFUSED = /Permission denied \([^)]*publickey/
const HOST_UNKNOWN = /Host key verification failed/

/** An error of git, with what to do about it where a repository is private. */
export function adviseOnAccess(error: unknown, { url, credentials }: CloneUrl): unknown {
  const words = describeError(error)
  const advice = adviceFor(words, url, credentials)
  return advice === undefined ? error : new NarwhalError('unavailable', advice, { cause: error })
}

function adviceFor(
  words: string,
  url: string,
  credentials: CloneUrl['credentials'],
): string | undefined {
  const isHttp = /^https?:/.test(url)
  if (isHttp && HTTP_REFUSED.test(words)) {
    return credentials?.http
      ? `${url} refuses the repository's credentials: replace them with \`narwhal repo set NAME --credentials-file FILE\``
      : `${url} is private, or isn't there: give Narwhal a password or token for the repository (--credentials-file FILE, of \`narwhal repo add\` and \`narwhal repo set\`), or clone it by ssh with a deploy key (\`narwhal repo deploy-key NAME\`); submodules are read with the ssh keys of the runner's user`
  }
  if (isHttp) return undefined
  if (SSH_REFUSED.test(words)) {
    return credentials?.ssh
      ? `${url} refuses the repository's deploy key: enter the one that \`narwhal repo show NAME\` prints at the forge`
      : `${url} accepts no ssh key of this machine: make a deploy key for the repository (\`narwhal repo deploy-key NAME\`), or enter the key of the user that Narwhal runs as at the forge`
  }
  if (!HOST_UNKNOWN.test(words)) return undefined
  return `${url} shows a host key that is not known here: check it, and add it to known_hosts of the user that Narwhal runs as`
}
