import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { NarwhalError } from '../../../lib/errors.ts'
import { exitCodeOf } from '../../../lib/exit-code.ts'
import type { FifoStock } from '../../../lib/pipes/fifo-stock.ts'
import type { OutputListener } from '../executor.ts'
import type { LastMoment } from '../last-moment.ts'
import type { PauseGate } from '../pause-gate.ts'
import { StepPipes } from '../pipes/step-pipes.ts'

/** A program of this machine that runs a step's script. */
export interface LocalProgram {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Written to its standard input, which is then closed; empty by default. */
  readonly input?: string
  readonly cwd: string
  /** Spare FIFOs, in a folder that nobody else can access. */
  readonly fifos: FifoStock
  /** The user that it runs as; the runner's own by default. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** Which it passes before it starts. */
  readonly gate: PauseGate
  /** Kills every process of the step; called when the step is aborted or its output can't be delivered. */
  readonly kill: (pid: number) => Promise<void>
  /** When it must have ended after an abort; at once by default. */
  readonly lastMoment?: (pid: number) => LastMoment
  /** Sends them SIGTERM. */
  readonly terminate: (pid: number) => Promise<void>
  /** As in `SandboxStep`. */
  readonly interleaved?: true | undefined
  /** When to do that, if at all. */
  readonly end?: AbortSignal | undefined
}

/**
 * Runs a program to its end, delivers its output, and resolves to its exit code (128 + n after signal n).
 * Leftover processes that keep the pipes open are not waited for.
 *
 * The pipes are FIFOs: Node would give the child sockets, which can't be opened through /dev/stdout.
 */
export async function runLocal(
  program: LocalProgram,
  output: OutputListener,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted()
  await using pipes = await openPipes(program)
  const child = await program.gate.pass(async () => start(program, pipes), signal)
  const exited = exitOf(child, program.command)
  const { pid = 0 } = child
  const terminate = () => {
    // Once is enough: an aborted step is asked to end already.
    if (!signal.aborted) void program.terminate(pid).catch(() => {})
  }
  program.end?.addEventListener('abort', terminate)
  using last = pid === 0 ? undefined : program.lastMoment?.(pid)
  try {
    if (program.end?.aborted) terminate()
    const exitCode = await pipes.deliver(exited, output, last?.signal ?? signal)
    signal.throwIfAborted()
    return exitCode
  } catch (error) {
    if (child.pid !== undefined) await program.kill(child.pid)
    await exited.catch(() => {})
    throw error
  } finally {
    program.end?.removeEventListener('abort', terminate)
  }
}

function start(program: LocalProgram, { writers }: StepPipes) {
  const child = spawn(program.command, program.args, {
    cwd: program.cwd,
    env: program.env,
    ...program.user,
    stdio: [
      program.input === undefined ? 'ignore' : 'pipe',
      writers.stdout,
      program.interleaved ? writers.stdout : writers.stderr,
    ],
    // In a process group of its own, to be killed as one.
    detached: true,
  })
  // EPIPE, if it ends without having read all of it.
  child.stdin?.on('error', () => {})
  child.stdin?.end(program.input)
  return child
}

function exitOf(child: ReturnType<typeof spawn>, command: string): Promise<number> {
  const exit = Promise.withResolvers<number>()
  child.once('exit', (code, signal) => exit.resolve(exitCodeOf(code, signal)))
  child.once('error', (error) => {
    exit.reject(
      new NarwhalError('unavailable', `${command} could not be started`, { cause: error }),
    )
  })
  exit.promise.catch(() => {})
  return exit.promise
}

/** The FIFOs of one step, without names once open; its user may reopen them, as `>/dev/stderr` does. */
async function openPipes({ fifos }: LocalProgram): Promise<StepPipes> {
  const [stdout = '', stderr = ''] = await fifos.take(2)
  try {
    return await StepPipes.open({ stdout, stderr })
  } finally {
    for (const path of [stdout, stderr]) rmSync(path, { force: true })
  }
}
