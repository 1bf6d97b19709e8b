import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { NarwhalError } from '../errors.ts'
import { FifoStock } from '../pipes/fifo-stock.ts'
import { removeFolder } from '../remove-folder.ts'
import { PROGRAM_ENV, PROGRAM_PATH } from './machine-programs.ts'
import { fifosFor, openStreams } from './program-streams.ts'
import { SERVER, startScript } from './server-script.ts'
import type { Command, ProgramEnd, StartedProgram, StartOptions } from './started-program.ts'

type Shell = ChildProcessByStdio<Writable, Readable, null>

/** A program from its start until it has ended. */
interface Pending {
  readonly shell: Shell
  readonly end: PromiseWithResolvers<ProgramEnd>
  /** It has opened its streams, or never will. Idempotent. */
  readonly onBegun: () => void
  pid?: number
  /** The shell that waits for it. */
  waiter?: number
  code?: number
  isMissing?: true
  /** Sent before its pid was known. */
  signal?: NodeJS.Signals
}

/** How long a shell that was killed is listened to, in milliseconds. */
const LAST_WORDS_MS = 1_000

/**
 * Starts programs through a small process. To start one itself, a process copies the tables of all its memory, and
 * stands still meanwhile: for several milliseconds, if it has lived for a while. A shell is small, and starts one in
 * a fraction of that. It is *running* from the beginning; if somebody has killed it, the next program starts another.
 *
 * Programs get FIFOs as their streams, and are not children of this process; they outlive it, as children do.
 */
export class ForkServer implements AsyncDisposable {
  readonly #folder: string
  readonly #fifos: FifoStock
  readonly #pending = new Map<number, Pending>()
  #shell: Shell | undefined
  #number = 0

  /** The folder is the server's alone: it is emptied now, and removed in the end. */
  static async open(folder: string): Promise<ForkServer> {
    await removeFolder(folder)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return new ForkServer(folder)
  }

  private constructor(folder: string) {
    this.#folder = folder
    this.#fifos = new FifoStock(folder, (paths) => this.#makeFifos(paths))
    // Now, while this process is small.
    this.#shell = this.#open()
  }

  /** Rejects with `unavailable` if nothing can be started. */
  async start(command: Command, options: StartOptions): Promise<StartedProgram> {
    const count = fifosFor(options)
    return this.#start(command, options, count > 0 ? await this.#fifos.take(count) : [])
  }

  /** Programs that run stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shell?.stdin.end()
    this.#shell = undefined
    await removeFolder(this.#folder)
  }

  #start(command: Command, options: StartOptions, fifos: readonly string[]): StartedProgram {
    const number = ++this.#number
    const shell = (this.#shell ??= this.#open())
    const { paths, handOver, ...own } = openStreams(options, {
      fifos,
      input: join(this.#folder, `input-${number}`),
      giveBack: (fifo) => this.#fifos.giveBack(fifo),
    })
    const script = join(this.#folder, `start-${number}`)
    writeFileSync(script, startScript(number, command, options, paths), { mode: 0o600 })
    const end = Promise.withResolvers<ProgramEnd>()
    end.promise.catch(() => {})
    const begun = Promise.withResolvers<void>()
    const onBegun = (): void => {
      handOver()
      begun.resolve()
      rmSync(script, { force: true })
    }
    const pending: Pending = { shell, end, onBegun }
    this.#pending.set(number, pending)
    hold(shell, true)
    shell.stdin.write(`start ${number}\n`)
    const kill = (signal: NodeJS.Signals): void => this.#kill(number, signal)
    const pid = () => pending.pid
    return { ...own, pid, begun: begun.promise, ended: end.promise, kill }
  }

  #kill(number: number, signal: NodeJS.Signals): void {
    const pending = this.#pending.get(number)
    if (!pending || pending.code !== undefined) return
    if (pending.pid === undefined) pending.signal = signal
    else send(pending.pid, signal)
  }

  #open(): Shell {
    const shell = spawn('/bin/sh', ['-c', SERVER, 'narwhal', this.#folder], {
      cwd: '/',
      env: { PATH: PROGRAM_PATH },
      stdio: ['pipe', 'pipe', 'ignore'],
      // Signals of a terminal are not for it.
      detached: true,
    })
    shell.stdin.on('error', () => {})
    shell.on('error', () => {})
    const lines = createInterface({ input: shell.stdout })
    lines.on('line', (line) => this.#onReport(line))
    // Those that wait for programs have it, too: what they have not reported by now, they never will.
    lines.once('close', () => this.#giveUp((one) => one.shell === shell))
    shell.once('exit', () => {
      if (this.#shell === shell) this.#shell = undefined
      const giveUp = () => this.#giveUp((one) => one.shell === shell && one.pid === undefined)
      setTimeout(giveUp, LAST_WORDS_MS).unref()
    })
    hold(shell, false)
    return shell
  }

  #onReport(line: string): void {
    const [id, word, value] = line.split(' ')
    const number = Number(id)
    const pending = this.#pending.get(number)
    if (!pending) return
    if (word === 'by') pending.waiter = Number(value)
    if (word === 'open') pending.onBegun()
    if (word === 'missing') pending.isMissing = true
    if (word === 'pid') onPid(pending, Number(value))
    if (word === 'end') pending.code = Number(value)
    const { code, waiter, isMissing, shell } = pending
    if (code === undefined || waiter === undefined) return
    // It has nothing more to do, and would stay a zombie.
    shell.stdin.write(`ended ${waiter}\n`)
    this.#forget(number, pending)
    pending.end.resolve({ code, ...(isMissing ? { isMissing } : {}) })
  }

  #giveUp(isLost: (pending: Pending) => boolean): void {
    for (const [number, pending] of this.#pending) {
      if (!isLost(pending)) continue
      this.#forget(number, pending)
      const words = 'how a program has ended is not known: the process that starts them was killed'
      pending.end.reject(new NarwhalError('unavailable', words))
    }
  }

  #forget(number: number, pending: Pending): void {
    pending.onBegun()
    this.#pending.delete(number)
    const { shell } = pending
    if (![...this.#pending.values()].some((one) => one.shell === shell)) hold(shell, false)
  }

  async #makeFifos(paths: readonly string[]): Promise<void> {
    const command = ['mkfifo', '-m', '600', ...paths] as const
    const { ended } = this.#start(command, { env: PROGRAM_ENV, output: 'none' }, [])
    const { code } = await ended
    if (code === 0) return
    const words = `FIFOs can't be made in ${this.#folder}: mkfifo ended with ${code}`
    throw new NarwhalError('unavailable', words)
  }
}

function onPid(pending: Pending, pid: number): void {
  pending.pid = pid
  if (pending.signal) send(pid, pending.signal)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has just ended.
  }
}

/** Whether this process goes on for its programs. */
function hold(shell: Shell, isHeld: boolean): void {
  const held = [shell, ...[shell.stdin, shell.stdout].filter((one) => one instanceof Socket)]
  for (const one of held) {
    if (isHeld) one.ref()
    else one.unref()
  }
}
