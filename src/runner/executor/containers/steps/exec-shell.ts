import { setTimeout as sleep } from 'node:timers/promises'
import { present } from '../../../../lib/present.ts'
import type { OutputListener } from '../../executor.ts'
import type { PauseGate } from '../../pause-gate.ts'
import { EndMarker } from '../../pipes/end-marker.ts'
import type { ContainerEngine, ContainerExec, ContainerOutput } from '../container-engine.ts'
import { WORKSPACE } from '../container-profile.ts'
import { aroundOf } from './around-script.ts'
import type { StepEnd } from './step-end.ts'

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
  readonly engine: ContainerEngine
  readonly container: string
  /** Which it passes before it starts. */
  readonly gate: PauseGate
  /** Called with the command that is starting. */
  readonly onStart?: (exec: ContainerExec) => void
}

/** Runs a shell in a running container through the engine's `exec`. */
export async function execShell(
  { engine, container, gate, onStart }: ExecPlace,
  shell: ExecShell,
  output: OutputListener,
  signal: AbortSignal,
): Promise<StepEnd> {
  const { args, env, end, number, interleaved } = shell
  const marker = new EndMarker()
  const around = aroundOf({ isBackground: end !== undefined, ...present({ number, interleaved }) })
  const command = ['/bin/sh', '-c', around, 'narwhal', marker.token, ...args]
  const exec = await gate.pass(async () => {
    const prepared = await engine.prepareExec(container, { command, env, rootIn: WORKSPACE })
    signal.throwIfAborted()
    const started = await prepared?.start()
    if (started) onStart?.(started)
    return started
  }, signal)
  if (!exec) return { kind: 'not_running' }
  let isHungUp = false
  const hangUp = () => {
    isHungUp = true
    exec.hangUp()
  }
  const abort = () => {
    if (!end) return hangUp()
    // The engine would let it run on. Its end is awaited: its leftovers must meet no other step.
    exec.end('KILL\n')
    late = setTimeout(hangUp, KILL_MS)
  }
  let late: NodeJS.Timeout | undefined
  const terminate = () => exec.write('TERM\n')
  signal.addEventListener('abort', abort)
  end?.addEventListener('abort', terminate)
  if (signal.aborted) abort()
  else if (end?.aborted) terminate()
  const askExit = () => exec.findExit()
  using watch = new ExecWatch(askExit, hangUp)
  try {
    const ended = await readToEnd(exec, marker, output, watch)
    if ('kind' in ended) return await confirm(ended, askExit, () => isHungUp)
    signal.throwIfAborted()
    return { kind: 'lost', exitCode: await askExit(), tail: ended.tail }
  } finally {
    clearTimeout(late)
    signal.removeEventListener('abort', abort)
    end?.removeEventListener('abort', terminate)
    exec.hangUp()
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
  { parts }: ContainerOutput,
  marker: EndMarker,
  output: OutputListener,
  watch: ExecWatch,
): Promise<Extract<StepEnd, { kind: 'exited' }> | { readonly tail: string }> {
  const finders = { stdout: marker.finder(), stderr: marker.finder() }
  const ended = new Set<string>()
  let tail = ''
  for await (const some of parts) {
    using _ = watch.delivering()
    for (const { stream, chunk } of some) {
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
      const [exitCode = 0, oomKills = 0, forks = 0] = found.facts.split(' ').map(Number)
      return { kind: 'exited', exitCode, refusals: { oomKills, forks } }
    }
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    const rest = finders[stream].rest()
    if (rest.length > 0 && !ended.has(stream)) await output(stream, rest)
  }
  return { tail: tail.trim() }
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
