import { spawn } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import { Readable } from 'node:stream'
import { hasCode } from '../errors.ts'
import { exitCodeOf } from '../exit-code.ts'
import { present } from '../present.ts'
import { ForkServer } from './fork-server.ts'
import {
  type Command,
  ENDED_PIPE,
  OPEN_PIPE,
  type ProgramEnd,
  type StartedProgram,
  type StartOptions,
} from './started-program.ts'

/** Of this process: how programs are started is a matter of the process, as its memory is. */
let server: ForkServer | undefined

/** Has all programs of this process started by a small one, until it is disposed of. */
export async function useForkServer(folder: string): Promise<AsyncDisposable> {
  const opened = await ForkServer.open(folder)
  server = opened
  return {
    [Symbol.asyncDispose]: async () => {
      if (server === opened) server = undefined
      await opened[Symbol.asyncDispose]()
    },
  }
}

/**
 * Starts a program that gets no terminal: the way for all that a job's start and end call. One that does not exist
 * ends at once.
 */
export async function startProgram(
  command: Command,
  options: StartOptions,
): Promise<StartedProgram> {
  // On a full disk there is no room for what the server reads.
  const started = await server?.start(command, options).catch(() => undefined)
  return started ?? startChild(command, options)
}

/** By this process itself. */
export function startChild(command: Command, options: StartOptions): StartedProgram {
  const { env, cwd, input, output } = options
  const [program, ...args] = command
  const own = typeof output === 'object' ? [output.stdout, output.stderr] : []
  const fds = own.map((path) => openSync(path, constants.O_WRONLY))
  const [stdout, stderr] = output === 'none' ? (['ignore', 'ignore'] as const) : fds
  const child = spawn(program, args, {
    env,
    ...present({ cwd }),
    stdio: [input === undefined ? 'ignore' : 'pipe', stdout ?? 'pipe', stderr ?? 'pipe'],
    detached: true,
  })
  for (const fd of fds) closeSync(fd)
  // One that ends early does not read it.
  child.stdin?.on('error', () => {})
  if (typeof input !== 'symbol') child.stdin?.end(input)
  if (input === ENDED_PIPE) child.stdin?.end()
  const end = Promise.withResolvers<ProgramEnd>()
  child.once('exit', (code, signal) => end.resolve({ code: exitCodeOf(code, signal) }))
  child.once('error', (error) => {
    if (hasCode(error, 'ENOENT')) end.resolve({ code: MISSING, isMissing: true })
    else end.reject(error)
  })
  end.promise.catch(() => {})
  return {
    ...(input === OPEN_PIPE && child.stdin ? { stdin: child.stdin } : {}),
    stdout: child.stdout ?? Readable.from([]),
    stderr: child.stderr ?? Readable.from([]),
    pid: () => child.pid,
    begun: Promise.resolve(),
    ended: end.promise,
    kill: (signal) => void child.kill(signal),
  }
}

/** As a shell has it. */
const MISSING = 127
