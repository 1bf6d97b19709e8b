/**
 * How the processes of one step are recognised among those of others in the same container, if steps run in
 * the background: by two limits that a process can't raise again, and that Linux keeps but does not enforce
 * (resident set size and file locks). One decreases with the number of the step, the other increases, so no
 * process can change its own to look like another step's.
 */

/** In KiB, as for `ulimit -m`; more than any machine has. */
const MOST_KIB = 2 ** 40
/** As for `ulimit -w` (dash, BusyBox) or `ulimit -x` (bash). */
const LEAST_LOCKS = 2 ** 40

const NO_LIMIT =
  'narwhal: /bin/sh of this image has no "ulimit -m", which identifies the processes of a step'

/** Marks the shell that runs this, and thereby everything that it starts; it has standard error. */
export function markScript(number: number): string {
  const locks = LEAST_LOCKS + number
  return `
ulimit -m ${MOST_KIB - number} 2>/dev/null || { echo '${NO_LIMIT}' >&2; exit 126; }
ulimit -w ${locks} 2>/dev/null || ulimit -x ${locks} 2>/dev/null
`
}

/** Consecutive rounds without a find until no process is assumed to be left: pids wrap around. */
const CLEAN_ROUNDS = 2
const MOST_ROUNDS = 1_000

/**
 * A shell function, `narwhal_end_all NUMBER`: kills every process of that step, and those without the mark of
 * any step. A process that is gone before it was examined may have forked, so the search is repeated. What
 * escapes even that ends with the container. Uses shell built-ins only.
 */
export const END_ALL = `
narwhal_end_all() {
  narwhal_round=0
  narwhal_clean=0
  while [ "$narwhal_clean" -lt ${CLEAN_ROUNDS} ]; do
    narwhal_round=$((narwhal_round + 1))
    narwhal_clean=$((narwhal_clean + 1))
    [ "$narwhal_round" -le ${MOST_ROUNDS} ] || { kill -s KILL -- -1; return; }
    for narwhal_file in /proc/[0-9]*; do
      narwhal_rss=
      narwhal_locks=
      while read -r narwhal_max narwhal_one narwhal_two narwhal_soft narwhal_hard narwhal_unit; do
        case "$narwhal_one $narwhal_two" in
          'resident set')
            narwhal_rss=$narwhal_hard
            [ "$narwhal_rss" != unlimited ] || break ;;
          'file locks')
            narwhal_locks=$narwhal_hard
            break ;;
        esac
      done <"$narwhal_file/limits"
      case "$narwhal_rss $narwhal_locks" in
        unlimited*) continue ;;
        ' ') narwhal_clean=0; continue ;;
        *' unlimited') narwhal_whose=$((${MOST_KIB} - narwhal_rss / 1024)) ;;
        *)
          narwhal_whose=$((${MOST_KIB} - narwhal_rss / 1024))
          [ "$narwhal_whose" = "$((narwhal_locks - ${LEAST_LOCKS}))" ] || narwhal_whose=$1 ;;
      esac
      [ "$narwhal_whose" = "$1" ] || continue
      kill -s KILL "\${narwhal_file#/proc/}"
      narwhal_clean=0
    done
  done
}
`
/** The variables that it uses, for callers that must not inherit them. */
export const END_ALL_NAMES =
  'narwhal_round narwhal_clean narwhal_rss narwhal_locks narwhal_max narwhal_one narwhal_two narwhal_soft narwhal_hard narwhal_unit narwhal_whose'
