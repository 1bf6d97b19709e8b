/** What a sandbox's programs are started with, in addition to their own arguments. */
export interface LaunchParts {
  /** A file with the filter of system calls; absent: none. */
  readonly filter?: string
  /** Files to write a 0 to, to enter the control groups. */
  readonly doors: readonly string[]
}

/** File descriptor of the filter, in bubblewrap. */
export const FILTER_FD = 3

/**
 * Uses shell built-ins only, and becomes the program itself. A process has to enter a group by writing
 * itself: moved by another, it might have forked already.
 */
const LAUNCH = `
ulimit -c 0
while [ "$1" != -- ]; do
  echo 0 >"$1" || exit 125
  shift
done
shift
`

/** The command line that starts a program like this, without core dumps. */
export function launch(
  { filter, doors }: LaunchParts,
  command: readonly string[],
): readonly [string, ...string[]] {
  const script =
    filter === undefined ? `${LAUNCH}exec "$@"` : `${LAUNCH}exec "$@" ${FILTER_FD}<"$0"`
  return ['/bin/sh', '-c', script, filter ?? 'narwhal', ...doors, '--', ...command]
}
