import { execFile, spawn } from 'node:child_process'
import { constants as fsConstants, openSync } from 'node:fs'
import { chown, type FileHandle, open, rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { constants } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { NarwhalError } from '../../lib/errors.ts'
import { EndMarker } from './end-marker.ts'
import type { OutputListener, OutputStream } from './executor.ts'
import type { PauseGate } from './pause-gate.ts'

const run = promisify(execFile)

/** A program of this machine that runs a step's script. */
export interface LocalProgram {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** What its standard input holds, closed after it; empty unless told. */
  readonly input?: string
  readonly cwd: string
  /** A folder of its own, outside the workspace, for the pipes. */
  readonly scratch: string
  /** The user that must be able to open the pipes anew, as `echo >/dev/stderr` does. */
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** The user it is started as; the runner's own unless told. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** Through which it starts. */
  readonly gate: PauseGate
  /** Ends every process of the step; called when the step is aborted or its output can't be heard. */
  readonly kill: (pid: number) => Promise<void>
}

/**
 * Runs a program to its end, hears its output, and resolves to its exit
 * code (128 + n after signal n). Left-behind processes that hold the pipes are not waited for.
 *
 * The pipes are FIFOs: Node would give the child sockets, which can't be opened by /dev/stdout; and
 * this process holds a writing end, to write the end marker when the program has ended.
 */
export async function runLocal(
  program: LocalProgram,
  output: OutputListener,
  signal: AbortSignal,
): Promise<number> {
  signal.throwIfAborted()
  await using pipes = await Pipes.open(program)
  const child = await program.gate.pass(async () => start(program, pipes), signal)
  const exited = exitOf(child, program.command)
  const marker = new EndMarker()
  const heard = Promise.all([
    hear(pipes.stdout.reader, 'stdout', marker, output),
    hear(pipes.stderr.reader, 'stderr', marker, output),
  ])
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  try {
    const exitCode = await Promise.race([exited, heard.then(() => exited), aborted.promise])
    await Promise.race([Promise.all([pipes.mark(marker), heard]), aborted.promise])
    return exitCode
  } catch (error) {
    if (child.pid !== undefined) await program.kill(child.pid)
    await exited.catch(() => {})
    heard.catch(() => {})
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function start(program: LocalProgram, pipes: Pipes) {
  const child = spawn(program.command, program.args, {
    cwd: program.cwd,
    env: program.env,
    ...program.user,
    stdio: [
      program.input === undefined ? 'ignore' : 'pipe',
      pipes.stdout.writer.fd,
      pipes.stderr.writer.fd,
    ],
    // A process group of its own, to be killed as one.
    detached: true,
  })
  // A program that ends without having read it all.
  child.stdin?.on('error', () => {})
  child.stdin?.end(program.input)
  return child
}

function exitOf(child: ReturnType<typeof spawn>, command: string): Promise<number> {
  const exit = Promise.withResolvers<number>()
  child.once('exit', (code, signal) =>
    exit.resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)),
  )
  child.once('error', (error) => {
    exit.reject(
      new NarwhalError('unavailable', `${command} could not be started`, { cause: error }),
    )
  })
  exit.promise.catch(() => {})
  return exit.promise
}

/** Hears a stream up to the marker; what comes after it is thrown away with the pipe. */
async function hear(
  reader: Socket,
  stream: OutputStream,
  marker: EndMarker,
  output: OutputListener,
): Promise<void> {
  const finder = marker.finder()
  for await (const chunk of reader as AsyncIterable<Buffer>) {
    const found = finder.feed(chunk)
    if (found.output.length > 0) await output(stream, found.output)
    if (found.facts !== undefined) return
  }
}

interface Pipe {
  readonly reader: Socket
  readonly writer: FileHandle
}

/** The two FIFOs of one step. They have no name any more once they are open. */
class Pipes implements AsyncDisposable {
  readonly stdout: Pipe
  readonly stderr: Pipe

  private constructor(stdout: Pipe, stderr: Pipe) {
    this.stdout = stdout
    this.stderr = stderr
  }

  static async open({ scratch, owner }: LocalProgram): Promise<Pipes> {
    const paths = ['stdout', 'stderr'].map((name) => join(scratch, name))
    const [out = '', err = ''] = paths
    await run('mkfifo', ['-m', '600', out, err])
    try {
      const stdout = await openPipe(out, owner)
      try {
        return new Pipes(stdout, await openPipe(err, owner))
      } catch (error) {
        await closePipe(stdout)
        throw error
      }
    } finally {
      await Promise.all(paths.map((path) => rm(path, { force: true })))
    }
  }

  /** Writes the marker behind everything that the script wrote. */
  async mark(marker: EndMarker): Promise<void> {
    await Promise.all(
      [this.stdout, this.stderr].map(({ writer }) => writer.write(`${marker.token}\n`)),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([closePipe(this.stdout), closePipe(this.stderr)])
  }
}

async function openPipe(path: string, owner: LocalProgram['owner']): Promise<Pipe> {
  if (owner) await chown(path, owner.uid, owner.gid)
  // In this order neither waits for the other side; the descriptor of the reader becomes the socket's.
  const fd = openSync(path, fsConstants.O_RDONLY | fsConstants.O_NONBLOCK)
  const reader = new Socket({ fd, readable: true, writable: false })
  reader.pause()
  try {
    return { reader, writer: await open(path, 'w') }
  } catch (error) {
    reader.destroy()
    throw error
  }
}

async function closePipe({ reader, writer }: Pipe): Promise<void> {
  reader.destroy()
  // A marker that is still being written has lost its reader by now, and the handle waits for it.
  await writer.close()
}
