import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { OutputListener } from '../executor.ts'
import type { PauseGate } from '../pause-gate.ts'
import { EndMarker } from '../pipes/end-marker.ts'
import { AS_BACKGROUND, AS_STEP } from './docker-launcher.ts'
import { END_ALL, markScript } from './docker-leftovers.ts'
import { CONTROL_DIR, WITHOUT_MARK } from './docker-supervisor.ts'
import type { DockerApi } from './engine/docker-api.ts'
import { FrameReader } from './engine/docker-frames.ts'
import { WORKSPACE } from './engine/docker-profile.ts'

/** How a step's script ended, as far as the container reported it. */
export type StepEnd =
  | {
      readonly kind: 'exited'
      readonly exitCode: number
      /** Number of processes killed by the container's memory limit since its start. */
      readonly oomKills: number
    }
  /** The shell around the script is gone without reporting the script's end. */
  | { readonly kind: 'lost'; readonly exitCode: number | undefined; readonly tail: string }
  | { readonly kind: 'not_running' }
  /** The container's supervisor is gone, and the container is about to end. */
  | { readonly kind: 'gone' }

/**
 * Runs a shell with the arguments from $2 on in a process of its own, and ends both streams with a marker
 * ($1), the exit code and the number of out-of-memory kills (cgroup v2, v1), and with the same exit code.
 * Leftover processes of the step are killed first: they could forge the end of the next one. Uses shell
 * built-ins only. The outer shell has no standard error, so that its own "Killed" does not end up in the
 * script's output.
 */
function aroundTheScript({ mark, launcher, endAll, standardError }: Around): string {
  return `
exec 3>&2 2>/dev/null
${END_ALL}
launcher=${launcher}
"$launcher" /bin/sh -c : || launcher=
(
  exec 2>&${standardError} 3>&-
  ${WITHOUT_MARK}
  ${mark}
  shift
  exec \${launcher:+"$launcher"} /bin/sh "$@"
) </dev/null
code=$?
${endAll}
oom=0
for facts in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
  if [ -r "$facts" ]; then
    while read -r key value; do
      if [ "$key" = oom_kill ]; then oom=$value; fi
    done <"$facts"
  fi
done
echo "$1 $code $oom"
echo "$1 $code $oom" >&3
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

/** How the processes of a numbered step are recognised (docker-leftovers.ts). */
interface Around {
  readonly mark: string
  /** The program that starts it and isolates it from others (docker-launcher.ts). */
  readonly launcher: string
  readonly endAll: string
  /** The descriptor that the script gets as its standard error. */
  readonly standardError: 1 | 3
}

function aroundOf({ number, end, interleaved }: ExecShell): string {
  const standardError = interleaved ? 1 : 3
  const processes =
    number === undefined
      ? { mark: ':', launcher: '', endAll: '' }
      : {
          mark: markScript(number),
          launcher: `${CONTROL_DIR}/${end ? AS_BACKGROUND : AS_STEP}`,
          endAll: `narwhal_end_all ${number}`,
        }
  const around: Around = { ...processes, standardError }
  return end ? inBackground(around) : aroundTheScript(around)
}

/** How often the engine is asked about a silent step, in case its end was missed, in milliseconds. */
const SILENT_POLL_MS = 5_000
const TAIL_BYTES = 300
/** How often the engine is asked about a step that has reported its end, in milliseconds. */
const END_POLL_MS = 5
/** How long the processes of a background step may take to end, in milliseconds. */
const KILL_MS = 5_000

export interface ExecShell {
  /** Of `/bin/sh`. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Number of the step in its container; its leftover processes are killed. */
  readonly number?: number
  /** As in `SandboxStep`. */
  readonly interleaved?: true
  /** If set, it runs in the background. When it aborts, all its processes get SIGTERM. */
  readonly end?: AbortSignal
}

export interface ExecPlace {
  readonly api: DockerApi
  readonly container: string
  /** Which it passes before it starts. */
  readonly gate: PauseGate
  /** Called with the id of the command that is starting. */
  readonly onStart?: (exec: string) => void
}

/** Runs a shell in a running container through the engine's `exec`. */
export async function execShell(
  { api, container, gate, onStart }: ExecPlace,
  shell: ExecShell,
  output: OutputListener,
  signal: AbortSignal,
): Promise<StepEnd> {
  const { args, env, end } = shell
  const marker = new EndMarker()
  const command = ['/bin/sh', '-c', aroundOf(shell), 'narwhal', marker.token, ...args]
  const started = await gate.pass(async () => {
    const exec = await api.createExec(container, { command, env, rootIn: WORKSPACE })
    signal.throwIfAborted()
    if (exec === undefined) return undefined
    const connection = await api.startExec(exec)
    onStart?.(exec)
    return { exec, connection }
  }, signal)
  if (!started) return { kind: 'not_running' }
  const { exec, connection } = started
  let isHungUp = false
  const hangUp = () => {
    isHungUp = true
    connection.destroy()
  }
  const abort = () => {
    if (!end) return hangUp()
    // The engine would let it run on. Its end is awaited: its leftovers must meet no other step.
    connection.end('KILL\n')
    late = setTimeout(hangUp, KILL_MS)
  }
  let late: NodeJS.Timeout | undefined
  const terminate = () => void connection.write('TERM\n')
  signal.addEventListener('abort', abort)
  end?.addEventListener('abort', terminate)
  if (signal.aborted) abort()
  else if (end?.aborted) terminate()
  const askExit = () => api.findExecExit(exec)
  using watch = new ExecWatch(askExit, hangUp)
  try {
    connection.on('error', () => {})
    const ended = await readToEnd(connection, marker, output, watch)
    if ('kind' in ended) return await confirm(ended, askExit, () => isHungUp)
    signal.throwIfAborted()
    return { kind: 'lost', exitCode: await askExit(), tail: ended.tail }
  } finally {
    clearTimeout(late)
    signal.removeEventListener('abort', abort)
    end?.removeEventListener('abort', terminate)
    connection.destroy()
  }
}

/**
 * A step may print its own end marker and run on: only the engine's word for its end counts, so it is polled.
 */
async function confirm(
  reported: Extract<StepEnd, { kind: 'exited' }>,
  askExit: () => Promise<number | undefined>,
  isHungUp: () => boolean,
): Promise<StepEnd> {
  do {
    const exitCode = await askExit()
    if (exitCode !== undefined) return { ...reported, exitCode }
    await sleep(END_POLL_MS)
  } while (!isHungUp())
  return { kind: 'lost', exitCode: undefined, tail: '' }
}

/** Reads the output up to both markers, or to the end of the connection. */
async function readToEnd(
  connection: Duplex,
  marker: EndMarker,
  output: OutputListener,
  watch: ExecWatch,
): Promise<Extract<StepEnd, { kind: 'exited' }> | { readonly tail: string }> {
  const frames = new FrameReader()
  const finders = { stdout: marker.finder(), stderr: marker.finder() }
  const ended = new Set<string>()
  let tail = ''
  for await (const data of chunksOf(connection)) {
    using _ = watch.delivering()
    for (const { stream, chunk } of frames.read(data)) {
      // Leftover processes may still write after the marker.
      if (ended.has(stream)) continue
      const found = finders[stream].feed(chunk)
      if (found.output.length > 0) await output(stream, found.output)
      if (found.facts === undefined) {
        tail = chunk.toString('utf8', Math.max(0, chunk.length - TAIL_BYTES))
        continue
      }
      ended.add(stream)
      if (ended.size < 2) continue
      const [exitCode = 0, oomKills = 0] = found.facts.split(' ').map(Number)
      return { kind: 'exited', exitCode, oomKills }
    }
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    const rest = finders[stream].rest()
    if (rest.length > 0 && !ended.has(stream)) await output(stream, rest)
  }
  return { tail: tail.trim() }
}

/** The chunks of a connection until it ends or breaks. */
export async function* chunksOf(connection: Duplex): AsyncGenerator<Buffer, void, undefined> {
  const chunks = connection.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>
  for (;;) {
    const next = await chunks.next().catch(() => undefined)
    if (next === undefined || next.done) return
    yield next.value
  }
}

/**
 * A safety net: if the shell around a script is killed while a background process holds the streams open, no
 * marker arrives and the connection stays open. Polls the engine while a step is silent, and closes the
 * connection if it has ended and stays silent.
 */
class ExecWatch implements Disposable {
  readonly #timer: NodeJS.Timeout
  #isDelivering = false
  #quiet = true
  #exitCode: number | undefined

  constructor(askExit: () => Promise<number | undefined>, hangUp: () => void) {
    const ask = async () => {
      if (this.#isDelivering) return
      if (this.#quiet && this.#exitCode !== undefined) return hangUp()
      this.#quiet = true
      this.#exitCode = await askExit().catch(() => undefined)
    }
    this.#timer = setInterval(() => void ask(), SILENT_POLL_MS)
    this.#timer.unref()
  }

  /** Until the disposal, output is being delivered: the connection is needed. */
  delivering(): Disposable {
    this.#quiet = false
    this.#isDelivering = true
    return { [Symbol.dispose]: () => void (this.#isDelivering = false) }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
