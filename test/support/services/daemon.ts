import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'
import { present } from '../../../src/lib/present.ts'
import { commandIn, type Place } from './command-in.ts'
import { killAllIn, mountsOf } from './mount-namespace.ts'

export interface DaemonOptions extends Pick<Place, 'root' | 'ownNetwork' | 'user'> {
  readonly command: string
  readonly args: readonly string[]
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd: string
  /** All output goes to this file. */
  readonly log: string
  /** The output that shows it is ready; without it, it is ready at once. */
  readonly ready?: RegExp
  /** Asks it to stop; SIGTERM by default. */
  readonly stopSignal?: NodeJS.Signals
}

const READY_WITHIN_MS = 60_000
const STOPPED_WITHIN_MS = 10_000

export interface Daemon extends AsyncDisposable {
  /** The leader of a process group of its own. */
  readonly pid: number
  /** Resolves when it has ended, for whatever reason. */
  readonly ended: Promise<unknown>
}

/** A child process that runs until it is disposed of; resolves once it is ready, rejects with its output. */
export async function startDaemon(options: DaemonOptions, signal: AbortSignal): Promise<Daemon> {
  const child = launch(options)
  const exited = once(child, 'exit')
  exited.catch(() => {})
  const stop = async () => {
    const namespace = options.root === undefined ? undefined : await mountsOf(child.pid ?? 0)
    await stopDaemon(child, exited, options.stopSignal)
    if (namespace) await killAllIn(namespace)
  }
  try {
    await readyOrThrow(child, options, signal)
  } catch (error) {
    await stop()
    throw error
  }
  return { pid: child.pid ?? 0, ended: exited, [Symbol.asyncDispose]: stop }
}

/**
 * In a process group of its own, so that Ctrl-C in the terminal reaches the tests first and their services
 * later; with setpriv, the kernel kills it if this process is killed.
 */
function launch(options: DaemonOptions): ChildProcess {
  const { root, ownNetwork, user, stopSignal = 'SIGTERM' } = options
  const place = { ...present({ root, ownNetwork, user }), endedBy: stopSignal }
  const [command, ...args] = commandIn(place, [options.command, ...options.args])
  return spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
}

function readyOrThrow(
  child: ChildProcess,
  options: DaemonOptions,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const log = createWriteStream(options.log)
  let output = ''
  let waiting = options.ready !== undefined
  const fail = (what: string) =>
    reject(new Error(`${options.command} ${what}\n${output.split('\n').slice(-25).join('\n')}`))
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      log.write(chunk)
      if (!waiting) return
      output += stripVTControlCharacters(chunk.toString())
      if (!options.ready?.test(output)) return
      waiting = false
      resolve()
    })
  }
  child.on('error', (error) => fail(`could not be started: ${error.message}`))
  child.on('exit', (code, by) => {
    log.end()
    fail(`ended with ${by ?? code}`)
  })
  const timer = setTimeout(() => fail(`was not ready in ${READY_WITHIN_MS} ms`), READY_WITHIN_MS)
  const abort = () => fail('was not needed any more')
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  if (!waiting) child.on('spawn', resolve)
  return promise.finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  })
}

async function stopDaemon(
  child: ChildProcess,
  exited: Promise<unknown>,
  stopSignal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  if (child.pid === undefined) return
  child.kill(stopSignal)
  const patience = new AbortController()
  await Promise.race([exited, sleep(STOPPED_WITHIN_MS, undefined, patience)])
  patience.abort()
  try {
    // Kills whatever is left in its group.
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // Nothing was left.
  }
  await exited
}
