import type { Duplex } from 'node:stream'
import type { DockerApi } from './docker-api.ts'
import { FrameReader } from './docker-frames.ts'
import { WORKSPACE } from './docker-profile.ts'
import { EndMarker } from './end-marker.ts'
import type { OutputListener } from './executor.ts'
import type { PauseGate } from './pause-gate.ts'

/** How a step's script ended, as far as its container told. */
export type StepEnd =
  | {
      readonly kind: 'exited'
      readonly exitCode: number
      /** How many processes the container's memory limit has killed since its start. */
      readonly oomKills: number
    }
  /** The shell around the script is gone, and nobody said how the script ended. */
  | { readonly kind: 'lost'; readonly exitCode: number | undefined; readonly said: string }
  | { readonly kind: 'not_running' }
  /** What runs the steps in the container is gone, and the container about to end. */
  | { readonly kind: 'gone' }

/**
 * Runs a shell with the arguments from $2 on as a process of its own, and ends both streams with a marker
 * ($1), the exit code and the count of out-of-memory kills (cgroup v2, v1). All of it is built into
 * the shell. The shell around has no standard error, so that its own "Killed" does not come between
 * the script's output.
 */
const AROUND_THE_SCRIPT = `
exec 3>&2 2>/dev/null
(exec 2>&3 3>&-; shift; exec /bin/sh "$@") </dev/null
code=$?
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
`

/**
 * The same beside other steps: it takes names of signals on its standard input, and sends them to all that
 * belongs to it, which are a process group, since the engine begins a session for each command. Only it
 * itself is deaf to SIGTERM.
 */
const BESIDE_OTHERS = `
trap '' TERM
exec 3>&2 5<&0 2>/dev/null
(trap - TERM; exec 2>&3 3>&- 5<&-; shift; exec /bin/sh "$@") </dev/null &
child=$!
(while read -r signal <&5; do kill -s "$signal" -- "-$$" || kill -s "$signal" "$child"; done) >/dev/null 3>&- &
reader=$!
wait "$child"
code=$?
kill -s KILL "$reader"
echo "$1 $code 0"
echo "$1 $code 0" >&3
`

/** How often a step that says nothing is asked after, in case its end was missed; milliseconds. */
const ASK_EVERY_MS = 5_000
const SAID_BYTES = 300

/** A shell to run in a container. */
export interface ExecShell {
  /** Of `/bin/sh`. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Set: beside other steps. When it aborts, all of it gets a SIGTERM. */
  readonly end?: AbortSignal
}

/** Where it is run. */
export interface ExecPlace {
  readonly api: DockerApi
  /** The id of a running container. */
  readonly container: string
  /** Through which it starts. */
  readonly gate: PauseGate
  /** Called with the id of the command that is just being started. */
  readonly onStart?: (exec: string) => void
}

/** Runs a shell in a running container through the engine's `exec`. */
export async function execShell(
  { api, container, gate, onStart }: ExecPlace,
  { args, env, end }: ExecShell,
  output: OutputListener,
  signal: AbortSignal,
): Promise<StepEnd> {
  const marker = new EndMarker()
  const around = end ? BESIDE_OTHERS : AROUND_THE_SCRIPT
  const command = ['/bin/sh', '-c', around, 'narwhal', marker.token, ...args]
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
  const hangUp = () => void connection.destroy()
  const abort = () => {
    if (!end) return hangUp()
    // The engine would let it run on.
    connection.end('KILL\n', hangUp)
  }
  const terminate = () => void connection.write('TERM\n')
  signal.addEventListener('abort', abort)
  end?.addEventListener('abort', terminate)
  if (signal.aborted) abort()
  else if (end?.aborted) terminate()
  const askExit = () => api.findExecExit(exec)
  using watch = new ExecWatch(askExit, hangUp)
  try {
    connection.on('error', () => {})
    const ended = await readToTheEnd(connection, marker, output, watch)
    if ('kind' in ended) return ended
    signal.throwIfAborted()
    return { kind: 'lost', exitCode: await askExit(), said: ended.said }
  } finally {
    signal.removeEventListener('abort', abort)
    end?.removeEventListener('abort', terminate)
    connection.destroy()
  }
}

/** Hears the output up to both markers, or to the end of the connection. */
async function readToTheEnd(
  connection: Duplex,
  marker: EndMarker,
  output: OutputListener,
  watch: ExecWatch,
): Promise<StepEnd | { readonly said: string }> {
  const frames = new FrameReader()
  const finders = { stdout: marker.finder(), stderr: marker.finder() }
  const ended = new Set<string>()
  let said = ''
  for await (const data of chunksOf(connection)) {
    using _ = watch.hear()
    for (const { stream, chunk } of frames.read(data)) {
      // Left-behind processes may write on after the marker.
      if (ended.has(stream)) continue
      const found = finders[stream].feed(chunk)
      if (found.output.length > 0) await output(stream, found.output)
      if (found.facts === undefined) {
        said = chunk.toString('utf8', Math.max(0, chunk.length - SAID_BYTES))
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
  return { said: said.trim() }
}

/** What comes over a connection until it ends or breaks. */
export async function* chunksOf(connection: Duplex): AsyncGenerator<Buffer, void, undefined> {
  const chunks = connection.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>
  for (;;) {
    const next = await chunks.next().catch(() => undefined)
    if (next === undefined || next.done) return
    yield next.value
  }
}

/**
 * A safety net: if the shell around a script is killed while a process in the background holds the
 * streams open, no marker comes and the connection stays. Asks the engine now and then after a step
 * that says nothing, and hangs up when it has ended and went on to say nothing.
 */
class ExecWatch implements Disposable {
  readonly #timer: NodeJS.Timeout
  #hearing = false
  #quiet = true
  #exitCode: number | undefined

  constructor(askExit: () => Promise<number | undefined>, hangUp: () => void) {
    const ask = async () => {
      if (this.#hearing) return
      if (this.#quiet && this.#exitCode !== undefined) return hangUp()
      this.#quiet = true
      this.#exitCode = await askExit().catch(() => undefined)
    }
    this.#timer = setInterval(() => void ask(), ASK_EVERY_MS)
    this.#timer.unref()
  }

  /** Output is being heard until the disposal: the connection is needed. */
  hear(): Disposable {
    this.#quiet = false
    this.#hearing = true
    return { [Symbol.dispose]: () => void (this.#hearing = false) }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }
}
