/** What a sandbox's programs are started with, besides their own arguments. */
export interface LaunchParts {
  /** A file with the filter of its system calls; absent: there is none. */
  readonly filter?: string
  /** Files to write a 0 to, to enter its control groups. */
  readonly doors: readonly string[]
}

/** Of the filter, in bubblewrap. */
export const FILTER_FD = 3

/**
 * Everything in it is built into the shell, and it becomes the program itself. A process enters a group by
 * its own writing alone: moved by another, it might have started children already.
 */
const LAUNCH = `
ulimit -c 0
while [ "$1" != -- ]; do
  echo 0 >"$1" || exit 125
  shift
done
shift
`

/** The command line that starts a program so, with no core dumps. */
export function launch(
  { filter, doors }: LaunchParts,
  command: readonly string[],
): readonly [string, ...string[]] {
  const script =
    filter === undefined ? `${LAUNCH}exec "$@"` : `${LAUNCH}exec "$@" ${FILTER_FD}<"$0"`
  return ['/bin/sh', '-c', script, filter ?? 'narwhal', ...doors, '--', ...command]
}
