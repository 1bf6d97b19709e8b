import { getCompileCacheDir } from 'node:module'
import { dirname, extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { PlanFacts } from '../../core/plan/plan-facts.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { hasCode, NarwhalError } from '../../lib/errors.ts'
import { limits } from '../../pipeline-file/limits.ts'
import type { ParsedPipelineFile } from '../../pipeline-file/parse-pipeline-file.ts'
import type { IncludedFiles } from '../../pipeline-file/read/include-ref.ts'

export interface PipelineFileParserOptions {
  /** The processor time that one text may take, in milliseconds; 1,000 by default. */
  readonly timeoutMs?: number
  /** The memory of the thread, in MiB; 128 by default. */
  readonly memoryMib?: number
  /** How long the thread is kept without a text, in milliseconds; 20,000 by default. */
  readonly idleMs?: number
  /** The code of the thread; for tests. */
  readonly entry?: URL
}

/**
 * Next to this file, with the same extension: the source, or a bundle of its own
 * (`src/runner/plan/plan-worker.ts` → `plan-worker.js` in the folder of the main bundle).
 */
const ENTRY = new URL(`./plan-worker${extname(import.meta.url)}`, import.meta.url)

/** A request to the thread. */
interface ParseRequest {
  readonly text: string
  readonly facts: PlanFacts | undefined
  readonly included: IncludedFiles | undefined
}

/** Loading the thread's code is not the file's fault, and may take long on a busy machine. */
const START_TIMEOUT_MS = 30_000

/** V8 keeps the memory of the thread for another few seconds. */
const IDLE_MS = 20_000

/** A thread may take this many times its processor time, waiting for a processor included. */
const STUCK_TIMES = 30

/** Stands for a message that did not arrive in time. */
const LATE = Symbol('late')

/**
 * Parses pipeline files in a thread of its own, which can be terminated whatever a file makes it do.
 *
 * States: no thread, starting, idle, parsing one text, closed. The first text starts the thread, or `warmUp` does
 * while the text is being fetched. It is kept for a while: it takes some 20 MB. The first text after its end starts
 * the next. Texts are parsed one at a time. An idle thread does not keep the process alive.
 */
export class PipelineFileParser implements AsyncDisposable {
  readonly #timeoutMs: number
  readonly #memoryMib: number
  readonly #idleMs: number
  readonly #entry: URL
  readonly #queue = new SerialQueue()
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  /** The first message of the thread, or LATE. */
  #ready: Promise<unknown> = Promise.resolve()
  #isReading = false
  #isClosed = false

  constructor({
    timeoutMs = 1000,
    memoryMib = 128,
    idleMs = IDLE_MS,
    entry = ENTRY,
  }: PipelineFileParserOptions = {}) {
    this.#timeoutMs = timeoutMs
    this.#memoryMib = memoryMib
    this.#idleMs = idleMs
    this.#entry = entry
  }

  /**
   * The plan, or the text's problems; taking too long or too much memory is a problem, too. Rejects
   * with `cancelled` once disposed, and with `internal` if the thread fails.
   */
  async parse(
    text: string,
    facts?: PlanFacts,
    included?: IncludedFiles,
  ): Promise<ParsedPipelineFile> {
    // Rejected for its length, without copying it to the thread.
    if (text.length > limits.bytes) return (await loadParser())(text)
    return await this.#queue.run(() => this.#read({ text, facts, included }))
  }

  /** Starts the thread ahead of a text, if there is none. */
  warmUp(): void {
    if (this.#isClosed || this.#isReading) return
    this.#worker ??= this.#start()
    this.#worker.unref()
    this.#endLater()
  }

  async #read(request: ParseRequest): Promise<ParsedPipelineFile> {
    if (this.#isClosed) throw closed()
    clearTimeout(this.#idle)
    this.#isReading = true
    const worker = this.#worker ?? this.#start()
    worker.ref()
    try {
      if ((await this.#ready) === LATE) {
        throw new NarwhalError('internal', 'the thread that parses narwhal.yml does not start')
      }
      const answer = await this.#ask(worker, request)
      if (answer !== LATE) return answer as ParsedPipelineFile
      this.#abandon(worker)
      return refused(`narwhal.yml took more than ${this.#timeoutMs / 1000} s to parse`)
    } catch (error) {
      this.#abandon(worker)
      if (this.#isClosed) throw closed(error)
      if (isOutOfMemory(error)) {
        return refused(`narwhal.yml took more than ${this.#memoryMib} MiB of memory to parse`)
      }
      throw NarwhalError.from(error)
    } finally {
      worker.unref()
      this.#isReading = false
      this.#endLater()
    }
  }

  /** Ends the thread after a while without a text. */
  #endLater(): void {
    clearTimeout(this.#idle)
    if (this.#isClosed) return
    this.#idle = setTimeout(() => {
      if (this.#worker) this.#abandon(this.#worker)
    }, this.#idleMs).unref()
  }

  /**
   * The thread's answer, or LATE after its time. Processor time counts, so that a busy machine rejects
   * nothing; a thread that gets no processor is given up eventually.
   */
  async #ask(worker: Worker, request: ParseRequest): Promise<unknown> {
    const before = await worker.cpuUsage()
    // The listener is added before the request is sent.
    const answer = nextMessage(worker, STUCK_TIMES * this.#timeoutMs)
    answer.catch(() => {})
    worker.postMessage(request)
    for (let leftMs = this.#timeoutMs; leftMs > 0; ) {
      const first = await withinTime(answer, leftMs)
      if (first !== LATE) return first
      const used = worker.cpuUsage(before).then(toMs, () => answer)
      const either = await Promise.race([answer, used])
      if (typeof either !== 'number') return either
      leftMs = Math.ceil(this.#timeoutMs - either)
    }
    // It may have arrived at the last moment.
    return await Promise.race([answer, new Promise((resolve) => setImmediate(resolve, LATE))])
  }

  #start(): Worker {
    const worker = new Worker(this.#entry, {
      // Nothing of this process's environment but the folder for compiled code.
      env: compileCache(),
      argv: [],
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: this.#memoryMib, maxYoungGenerationSizeMb: 32 },
    })
    // Errors reject a pending request; a later one must not end the process.
    worker.on('error', () => {})
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
    })
    this.#worker = worker
    this.#ready = nextMessage(worker, START_TIMEOUT_MS)
    this.#ready.catch(() => {})
    return worker
  }

  /** Terminates a thread without waiting: how long that takes depends on what it does. */
  #abandon(worker: Worker): void {
    if (this.#worker === worker) this.#worker = undefined
    void worker.terminate()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#idle)
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }
}

/** Node uses a subfolder for its version, below the folder that the variable names. */
function compileCache(): { NODE_COMPILE_CACHE?: string } {
  const folder = getCompileCacheDir()
  return folder ? { NODE_COMPILE_CACHE: dirname(folder) } : {}
}

/** In this thread it is rarely needed, and expensive to load. */
async function loadParser() {
  return (await import('../../pipeline-file/parse-pipeline-file.ts')).parsePipelineFile
}

/** Node reports microseconds, also for a busy thread. */
function toMs({ user, system }: { readonly user: number; readonly system: number }): number {
  return (user + system) / 1_000
}

/** The answer, or LATE; clears the timer, as there may be thousands of answers a second. */
async function withinTime(answer: Promise<unknown>, ms: number): Promise<unknown> {
  const done = new AbortController()
  const timeout = sleep(ms, LATE, { ref: false, signal: done.signal })
  timeout.catch(() => {})
  try {
    return await Promise.race([answer, timeout])
  } finally {
    done.abort()
  }
}

/** The thread's next message, or LATE; rejects when the thread fails or ends. */
function nextMessage(worker: Worker, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // If this thread was blocked, an answer may be pending: it is delivered before this.
      setImmediate(() => settle(() => resolve(LATE)))
    }, timeoutMs)
    const settle = (how: () => void): void => {
      clearTimeout(timer)
      worker.off('message', onMessage)
      worker.off('error', onError)
      worker.off('exit', onExit)
      how()
    }
    const onMessage = (message: unknown): void => settle(() => resolve(message))
    const onError = (error: unknown): void => settle(() => reject(NarwhalError.from(error)))
    const onExit = (): void => {
      const message = 'the thread that parses narwhal.yml has ended'
      settle(() => reject(new NarwhalError('internal', message)))
    }
    worker.on('message', onMessage)
    worker.on('error', onError)
    worker.on('exit', onExit)
  })
}

function isOutOfMemory(error: unknown): boolean {
  const cause = error instanceof NarwhalError ? error.cause : error
  return hasCode(cause, 'ERR_WORKER_OUT_OF_MEMORY')
}

function refused(message: string): ParsedPipelineFile {
  return { ok: false, problems: [{ message, line: 1, column: 1, excerpt: '' }] }
}

function closed(cause?: unknown): NarwhalError {
  return new NarwhalError('cancelled', 'the parser of narwhal.yml is closed', { cause })
}
