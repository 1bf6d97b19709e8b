import { shellQuote } from '../../../../lib/shell-quote.ts'
import type { SandboxStep } from '../../executor.ts'
import { AS_STEP } from './launchers.ts'
import { REFUSALS, REFUSALS_NAMES } from './refusals.ts'
import { END_ALL, END_ALL_NAMES, markScript } from './step-marks.ts'

/** Where a container sees the scripts of its steps and the FIFOs to its runner, read-only. */
export const CONTROL_DIR = '/narwhal'
/** The supervisor's FIFOs, in the container's control folder. */
export const COMMANDS = 'commands'
export const ENDS = 'ends'

/** Podman puts its name into the environment of everything; other engines put nothing there. */
export const WITHOUT_MARK = '[ "$container" != podman ] || unset container'

const SIGNALS = 'HUP INT QUIT TERM USR1 USR2 ALRM'
const END_OF_DAYS = 2_147_483_647
/** Longer than a runner waits for the first message. */
const LONGEST_UNHEARD_S = 20

/**
 * The main process of a container: a POSIX shell that runs one step after another, each in a process of its
 * own, and reports how it ended (exit code, and what was refused so far: refusals.ts). Uses shell built-ins only.
 *
 * - The first line of the commands is the key, which it puts before everything it reports; it is kept only in
 *   the shell's memory, which no step can read (launchers.ts). Commands without it are ignored.
 * - Leftover processes of a step are killed before its end is reported: running as the same user, they could
 *   do anything to the next step. If background steps are running, which the command says, the leftovers are
 *   told apart by their marks (step-marks.ts).
 * - Steps don't get its two FIFOs. It ignores signals that a step sends to every process it sees.
 * - The commands end with the runner, and then the container ends, even if the runner ended before it
 *   started. An engine in a virtual machine looks the same, but there a live runner removes the FIFOs' names.
 *
 * Its variables are unset first: the image may have exported some of the same names.
 */
export const SUPERVISOR = `
[ -p ${CONTROL_DIR}/${COMMANDS} ] || exec sleep ${END_OF_DAYS}
trap '' ${SIGNALS}
unset narwhal_key narwhal_step narwhal_background narwhal_code narwhal_session narwhal_launcher ${REFUSALS_NAMES} ${END_ALL_NAMES}
# For both directions first: opened for one, a FIFO blocks until its other end is opened, which may be never.
exec 3<>${CONTROL_DIR}/${COMMANDS} 4<>${CONTROL_DIR}/${ENDS}
exec 3<${CONTROL_DIR}/${COMMANDS} 4>${CONTROL_DIR}/${ENDS} </dev/null >/dev/null 2>&1
for narwhal_file in /usr/bin/setsid /bin/setsid; do
  if [ -x "$narwhal_file" ]; then narwhal_session=$narwhal_file; fi
done
narwhal_launcher=${CONTROL_DIR}/${AS_STEP}
"$narwhal_launcher" /bin/sh -c : || narwhal_launcher=
if ! read -r narwhal_key <&3; then
  narwhal_count=0
  while [ -p ${CONTROL_DIR}/${COMMANDS} ]; do
    [ "$narwhal_count" -lt ${LONGEST_UNHEARD_S} ] || exit
    narwhal_count=$((narwhal_count + 1))
    sleep 1
  done
  exec sleep ${END_OF_DAYS}
fi
tell() { echo "
$narwhal_key $*" >&4; }
${END_ALL}${REFUSALS}
tell ready
while read -r narwhal_word narwhal_step narwhal_background <&3; do
  [ "$narwhal_word" = "$narwhal_key" ] || continue
  (. "${CONTROL_DIR}/go-$narwhal_step")
  narwhal_code=$?
  if [ "$narwhal_background" ]; then
    narwhal_end_all "$narwhal_step"
  else
    # All but this shell and the container's first process, at once: none can start another meanwhile.
    kill -s KILL -- -1
  fi
  narwhal_refusals
  tell ended "$narwhal_step" "$narwhal_code" "$narwhal_oom" "$narwhal_forks"
done
`

/**
 * What the supervisor's child for a step runs, from opening its streams to the script. A session of its own,
 * if the image has `setsid`, keeps its `kill 0` from reaching the supervisor. Variables that a shell refuses
 * to set, such as PPID, are skipped.
 */
export function goScript(
  { env, interleaved }: SandboxStep,
  number: number,
  isBackground: boolean,
): string {
  const standardError = interleaved ? '&1' : `${CONTROL_DIR}/err-${number}`
  const exports = Object.entries(env).map(
    ([name, value]) => `command export ${name}=${shellQuote(value)}`,
  )
  return `
trap - ${SIGNALS}
exec >${CONTROL_DIR}/out-${number} 2>${standardError}
tell began ${number}
exec 3<&- 4>&-
${isBackground ? markScript(number) : ''}
set -- \${narwhal_launcher:+"$narwhal_launcher"} \${narwhal_session:+"$narwhal_session"}
{
${WITHOUT_MARK}
${exports.join('\n')}
} 2>/dev/null
exec "$@" /bin/sh -e ${CONTROL_DIR}/step-${number}
`
}
