import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { type ErrorCode, NarwhalError } from '../../../lib/errors.ts'
import type { LayerFacts, LayerJob } from '../layer/unpack-layer.ts'
import type { TopFacts, TopOrder } from '../top/top-of-layers.ts'
import type { ThreadAnswer, ThreadOrder } from './thread-orders.ts'

/** Next to this file, with the same extension: the source, or a bundle's own entry point. */
const ENTRY = new URL(`./layer-worker${extname(import.meta.url)}`, import.meta.url)

/** Unpacking is the processor's and the disk's work: more at once only get in each other's way. */
const MOST_THREADS = Math.min(4, Math.max(2, availableParallelism()))
/** Threads end after this time without work. */
const IDLE_MS = 5_000

interface Thread {
  readonly worker: Worker
  /** The order that it is busy with. */
  asker:
    | { readonly resolve: (answer: ThreadAnswer) => void; readonly reject: (e: Error) => void }
    | undefined
  idle: NodeJS.Timeout | undefined
}

/**
 * Unpacks layers on threads of their own: hashing, decompressing and rewriting would block the event loop.
 * Each thread is *busy* with one order or *idle*; orders wait for a thread to become idle. A thread that
 * crashes rejects its order with `internal`.
 */
export class LayerThreads implements AsyncDisposable {
  readonly #threads = new Set<Thread>()
  readonly #waiting: (() => void)[] = []
  #lastId = 0

  unpack(job: LayerJob, signal: AbortSignal): Promise<LayerFacts> {
    return this.#order((id) => ({ id, kind: 'layer', job }), signal) as Promise<LayerFacts>
  }

  top(job: TopOrder, signal: AbortSignal): Promise<TopFacts> {
    return this.#order((id) => ({ id, kind: 'top', job }), signal) as Promise<TopFacts>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { idle } of this.#threads) clearTimeout(idle)
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()))
  }

  async #order(
    orderOf: (id: number) => Exclude<ThreadOrder, { kind: 'abort' }>,
    signal: AbortSignal,
  ): Promise<LayerFacts | TopFacts> {
    const thread = await this.#getIdle()
    const id = ++this.#lastId
    const abort = () => thread.worker.postMessage({ id, kind: 'abort' } satisfies ThreadOrder)
    try {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<ThreadAnswer>()
      thread.asker = { resolve, reject }
      signal.addEventListener('abort', abort)
      thread.worker.postMessage(orderOf(id))
      // Not given up at an abort: until it has ended, the thread writes.
      const answer = await promise
      signal.throwIfAborted()
      if ('result' in answer) return answer.result
      throw new NarwhalError(answer.code as ErrorCode, answer.words)
    } finally {
      signal.removeEventListener('abort', abort)
      thread.asker = undefined
      this.#rest(thread)
    }
  }

  /** Waits until a thread is idle, or may be started; it is the caller's then. */
  async #getIdle(): Promise<Thread> {
    for (;;) {
      const idle = [...this.#threads].find((one) => one.idle !== undefined)
      if (idle) {
        clearTimeout(idle.idle)
        idle.idle = undefined
        idle.worker.ref()
        return idle
      }
      if (this.#threads.size < MOST_THREADS) return this.#start()
      await new Promise<void>((resolve) => void this.#waiting.push(resolve))
    }
  }

  #start(): Thread {
    const worker = new Worker(ENTRY, { env: {}, argv: [], execArgv: [] })
    const thread: Thread = { worker, asker: undefined, idle: undefined }
    const lose = () => {
      this.#threads.delete(thread)
      clearTimeout(thread.idle)
      thread.asker?.reject(new NarwhalError('internal', 'a thread that unpacks layers has crashed'))
    }
    worker.on('message', (answer: ThreadAnswer) => thread.asker?.resolve(answer))
    worker.on('error', lose)
    worker.on('exit', lose)
    this.#threads.add(thread)
    return thread
  }

  #rest(thread: Thread): void {
    if (this.#threads.has(thread)) {
      thread.worker.unref()
      thread.idle = setTimeout(() => void thread.worker.terminate(), IDLE_MS).unref()
    }
    this.#waiting.shift()?.()
  }
}
