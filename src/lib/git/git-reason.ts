/** What git says at the end of every failure, whatever its cause, and what ssh says of every connection. */
const SAYS_NOTHING = [
  /^hint:/,
  /^fatal: could not read from remote repository\.?$/i,
  /^please make sure you have the correct access rights$/i,
  /^and the repository exists\.?$/i,
  /^(?:fatal|error): the remote end hung up unexpectedly$/i,
  /^(?:fatal: )?protocol error: bad line length character: /i,
  /^warning: permanently added /i,
  /^\*\* /,
  /^connection to \S+ closed/i,
  // A frame around a server's message, and its empty lines.
  /^remote:[\s=*-]*$/,
]

/** Words of the server, or of ssh, about why it refuses; git's own lines follow from them. */
const SAYS_WHY = [
  // By their capitals: git's own lines begin with `fatal:` and `error:`.
  /^(?:FATAL|ERROR|[A-Z][a-z]+): /,
  /^(?:remote|fatal: remote error|ssh): /,
  /permission denied|host key verification failed/i,
]

const MOST_LINES = 4
const NO_CREDENTIALS = /^fatal: could not read (?:Username|Password) for '([^']*)'.*$/

/**
 * Why git failed, from what it wrote to standard error: the lines that say so, at most four, those of the
 * server first. Empty if none says anything.
 */
export function gitReason(stderr: string): string {
  const lines = [...new Set(stderr.split(/[\r\n]+/).map((line) => line.trim()))].filter(Boolean)
  const telling = lines.filter((line) => !says(line, SAYS_NOTHING))
  if (telling.length === 0 && lines.length > 0)
    return 'the server ended the connection and said nothing'
  const shown = telling.map((line) =>
    line.replace(NO_CREDENTIALS, `$1 asks for credentials, and there are none here`),
  )
  const why = shown.filter((line) => says(line, SAYS_WHY)).slice(0, MOST_LINES)
  const others = shown.filter((line) => !why.includes(line))
  const kept = [...why, ...others.slice(Math.max(0, others.length + why.length - MOST_LINES))]
  return shown.filter((line) => kept.includes(line)).join(' | ')
}

function says(line: string, patterns: readonly RegExp[]): boolean {
  return patterns.some((pattern) => pattern.test(line))
}
