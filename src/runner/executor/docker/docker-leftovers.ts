/**
 * How the processes of one step are told from those of others in the same container, where steps run beside each
 * other: by two limits that no process may raise again, and that Linux keeps but does not enforce (of the resident
 * set and of file locks). One falls with the number of the step, the other grows, so no process can lower its own
 * to look like another step's.
 */

/** In KiB, as `ulimit -m` takes it; more than any machine has. */
const MOST_KIB = 2 ** 40
/** As `ulimit -w` (dash, BusyBox) or `ulimit -x` (bash) takes it. */
const LEAST_LOCKS = 2 ** 40

const NO_LIMIT = 'narwhal: /bin/sh of this image has no "ulimit -m", by which steps are told apart'

/** Marks the shell that runs this, and with it all that it starts; it has standard error. */
export function markScript(number: number): string {
  const locks = LEAST_LOCKS + number
  return `
ulimit -m ${MOST_KIB - number} 2>/dev/null || { echo '${NO_LIMIT}' >&2; exit 126; }
ulimit -w ${locks} 2>/dev/null || ulimit -x ${locks} 2>/dev/null
`
}

/** Whole rounds in which nobody is found, one after the other, for nobody to be left: numbers start anew at times. */
const CLEAN_ROUNDS = 2
const MOST_ROUNDS = 1_000

/**
 * A shell function, \`narwhal_end_all NUMBER\`: ends every process of that step, and each that looks like no step's at all.
 * Whoever is gone before it was looked at may have had a child, so it is looked again. What can't be caught so is
 * ended with everything else in the container. Everything in it is built into the shell.
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
/** The names that it uses, for whoever must not inherit their like. */
export const END_ALL_NAMES =
  'narwhal_round narwhal_clean narwhal_rss narwhal_locks narwhal_max narwhal_one narwhal_two narwhal_soft narwhal_hard narwhal_unit narwhal_whose'
