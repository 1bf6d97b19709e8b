import { AS_BACKGROUND, AS_STEP } from './launchers.ts'
import { REFUSALS } from './refusals.ts'
import { END_ALL, markScript } from './step-marks.ts'
import { CONTROL_DIR, WITHOUT_MARK } from './supervisor.ts'

/**
 * Runs a shell with the arguments from $2 on in a process of its own, and ends both streams with a marker
 * ($1), the exit code and what was refused so far (refusals.ts), and with the same exit code.
 * Leftover processes of the step are killed first: they could forge the end of the next one. Uses shell
 * built-ins only. The outer shell has no standard error, so that its own "Killed" does not end up in the
 * script's output, and ignores SIGTERM, so that it can report how the script ended.
 */
function aroundTheScript({ mark, launcher, endAll, standardError }: Around): string {
  return `
trap '' TERM
exec 3>&2 2>/dev/null
${END_ALL}${REFUSALS}
launcher=${launcher}
"$launcher" /bin/sh -c : || launcher=
(
  trap - TERM
  exec 2>&${standardError} 3>&-
  ${WITHOUT_MARK}
  ${mark}
  shift
  exec \${launcher:+"$launcher"} /bin/sh "$@"
) </dev/null
code=$?
${endAll}
narwhal_refusals
echo "$1 $code $narwhal_oom $narwhal_forks"
echo "$1 $code $narwhal_oom $narwhal_forks" >&3
exit "$code"
`
}

/**
 * The same with other steps in parallel: it reads names of signals from its standard input, and sends them to
 * the step's process group (the engine starts a session for each command); KILL also to processes that have
 * left the group. Only this shell ignores SIGTERM.
 */
function inBackground({ mark, launcher, endAll, standardError }: Around): string {
  return `
trap '' TERM
exec 3>&2 5<&0 2>/dev/null
${END_ALL}
launcher=${launcher}
"$launcher" /bin/sh -c : || launcher=
(
  trap - TERM
  exec 2>&${standardError} 3>&- 5<&-
  ${WITHOUT_MARK}
  ${mark}
  shift
  exec \${launcher:+"$launcher"} /bin/sh "$@"
) </dev/null &
child=$!
(while read -r signal <&5; do
  if [ "$signal" = KILL ]; then
    ${endAll}
  else
    kill -s "$signal" -- "-$$" || kill -s "$signal" "$child"
  fi
done) >/dev/null 3>&- &
reader=$!
wait "$child"
code=$?
${endAll}
kill -s KILL "$reader"
echo "$1 $code 0"
echo "$1 $code 0" >&3
exit "$code"
`
}

export interface AroundedStep {
  /** Number of the step in its container; its leftover processes are killed. */
  readonly number?: number
  /** As in `SandboxStep`. */
  readonly interleaved?: true
  readonly isBackground: boolean
}

/** How the processes of a numbered step are recognised (step-marks.ts). */
interface Around {
  readonly mark: string
  /** The program that starts it and isolates it from others (launchers.ts). */
  readonly launcher: string
  readonly endAll: string
  /** The descriptor that the script gets as its standard error. */
  readonly standardError: 1 | 3
}

/** What a shell runs that `execShell` starts: its arguments are the marker of the end, and those of the inner shell. */
export function aroundOf({ number, interleaved, isBackground }: AroundedStep): string {
  const standardError = interleaved ? 1 : 3
  const processes =
    number === undefined
      ? { mark: ':', launcher: '', endAll: '' }
      : {
          mark: markScript(number),
          launcher: `${CONTROL_DIR}/${isBackground ? AS_BACKGROUND : AS_STEP}`,
          endAll: `narwhal_end_all ${number}`,
        }
  const around: Around = { ...processes, standardError }
  return isBackground ? inBackground(around) : aroundTheScript(around)
}
