import { shellQuote } from '../shell-quote.ts'
import type { Command, StartOptions } from './started-program.ts'

/**
 * A POSIX shell that starts programs: it reads a line with the number of each, runs the script of that number in
 * the background, and reports on its standard output. It is told of every program's end, too, so that none stays
 * a zombie.
 *
 * The reports: `N by PID`, the shell that waits for the program; `N pid PID` of the program; `N open` once it has its
 * streams; `N missing` if there is none of this name; `N end CODE`.
 */
export const SERVER = `
exec 3>&1 >/dev/null 2>&1
while read -r narwhal_word narwhal_number; do
  case $narwhal_word in
  start)
    . "$1/start-$narwhal_number" &
    echo "$narwhal_number by $!" >&3
    ;;
  ended) wait "$narwhal_number" ;;
  esac
done
`

export interface Streams {
  /** Absent: `/dev/null`. */
  readonly stdin?: { readonly path: string; readonly isFifo: boolean }
  readonly stdout: string
  readonly stderr: string
}

/** A variable that a shell can set. */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

/** The script of one program. What the shell itself exports is taken away. */
export function startScript(
  number: number,
  [program, ...args]: Command,
  { env, cwd }: StartOptions,
  streams: Streams,
): string {
  const exports = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && NAME.test(name) ? [`export ${name}=${shellQuote(value)}`] : [],
  )
  const words = [program, ...args].map(shellQuote).join(' ')
  return `(
${redirections(streams)}
${cwd === undefined ? '' : `cd ${shellQuote(cwd)} || exit 125`}
echo "${number} open" >&3
unset PWD OLDPWD SHLVL _
${exports.join('\n')}
command -v ${shellQuote(program)} >/dev/null || { echo "${number} missing" >&3; exit 127; }
exec ${words} 3>&-
) &
echo "${number} pid $!" >&3
wait "$!"
echo "${number} end $?" >&3
`
}

/**
 * A FIFO is opened for both directions first: opened for one, it waits for its other end, and this process may have been
 * killed meanwhile.
 */
function redirections({ stdin, stdout, stderr }: Streams): string {
  const [out, err] = [shellQuote(stdout), shellQuote(stderr)]
  const output = `exec 4<>${out} 5<>${err}\nexec >${out} 2>${err} 4>&- 5>&-`
  if (!stdin) return `${output} </dev/null`
  const path = shellQuote(stdin.path)
  return stdin.isFifo ? `${output}\nexec 4<>${path} <${path} 4>&-` : `${output} <${path}`
}
