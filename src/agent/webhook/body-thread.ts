import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { AddressPlace } from '../../forge/forge-hooks.ts'
import type { WebhookRepository } from '../../forge/parsed-webhook.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Proof } from './signature.ts'
import type { ProvenBody, UnreadBody } from './unread-body.ts'

/** What the thread is told of a body, which it knows by its number. */
export type BodyOrder = { readonly id: number } & (
  | { readonly kind: 'add'; readonly chunk: Uint8Array }
  | { readonly kind: 'find'; readonly place: AddressPlace; readonly isForm: boolean }
  | { readonly kind: 'prove'; readonly proof: Proof }
  | { readonly kind: 'forget' }
)

/** What it answers to `find` and `prove`. */
export interface BodyAnswer {
  readonly id: number
  readonly address?: WebhookRepository | undefined
  readonly proven?: ProvenBody
}

type Question =
  | Pick<Extract<BodyOrder, { kind: 'find' }>, 'kind' | 'place' | 'isForm'>
  | Pick<Extract<BodyOrder, { kind: 'prove' }>, 'kind' | 'proof'>

/** A body that still comes in. */
export interface LongBody extends UnreadBody {
  add(chunk: Uint8Array): void
}

interface Asker {
  readonly resolve: (answer: BodyAnswer) => void
  readonly reject: (reason: Error) => void
}

/** Long bodies are rare: the thread ends when none has come for so long. */
const IDLE_MS = 10_000

/** Beside this file, with the same ending: as it is written, or bundled as an entry point of its own. */
const ENTRY = new URL(`./body-worker${extname(import.meta.url)}`, import.meta.url)

/**
 * Keeps and hashes long bodies beside the event loop. What they cost the loop is hardly their hash: megabytes of
 * buffers that it holds have V8 collect its whole heap over and over, tens of milliseconds each time.
 * Moved to a thread, they are that thread's.
 *
 * States: without a thread; with one, for as long as there are bodies, and `IDLE_MS` more. A thread that ends
 * by itself takes its bodies along: who asks for them is refused.
 */
export class BodyThread implements Disposable {
  readonly #bodies = new Set<number>()
  readonly #askers = new Map<number, Asker>()
  #worker: Worker | undefined
  #idle: NodeJS.Timeout | undefined
  #lastId = 0

  open(): LongBody {
    const id = ++this.#lastId
    const worker = this.#start()
    this.#bodies.add(id)
    const tell = (order: BodyOrder, moved: ArrayBuffer[] = []): void =>
      worker.postMessage(order, moved)
    const ask = (question: Question): Promise<BodyAnswer> => {
      const { promise, resolve, reject } = Promise.withResolvers<BodyAnswer>()
      if (worker !== this.#worker) reject(ended())
      else this.#askers.set(id, { resolve, reject })
      tell({ id, ...question })
      return promise
    }
    return {
      add: (chunk) => {
        const own = isAlone(chunk) ? chunk : Uint8Array.from(chunk)
        tell({ id, kind: 'add', chunk: own }, [own.buffer as ArrayBuffer])
      },
      findAddress: async (place, isForm) => (await ask({ kind: 'find', place, isForm })).address,
      prove: async (proof) => (await ask({ kind: 'prove', proof })).proven,
      [Symbol.dispose]: () => {
        tell({ id, kind: 'forget' })
        this.#askers.delete(id)
        this.#bodies.delete(id)
        if (this.#bodies.size === 0) this.#endLater()
      },
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#idle)
    const worker = this.#worker
    if (worker) this.#lose(worker)
    void worker?.terminate()
  }

  #endLater(): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this[Symbol.dispose](), IDLE_MS).unref()
  }

  #start(): Worker {
    clearTimeout(this.#idle)
    if (this.#worker) return this.#worker
    // Nothing of this process is the thread's business but what it is told.
    const worker = new Worker(ENTRY, { env: {}, argv: [], execArgv: [] })
    worker.unref()
    worker.on('message', (answer: BodyAnswer) => {
      this.#askers.get(answer.id)?.resolve(answer)
      this.#askers.delete(answer.id)
    })
    worker.on('error', () => this.#lose(worker))
    worker.on('exit', () => this.#lose(worker))
    this.#worker = worker
    return worker
  }

  #lose(worker: Worker): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    this.#bodies.clear()
    for (const { reject } of this.#askers.values()) reject(ended())
    this.#askers.clear()
  }
}

function isAlone(chunk: Uint8Array): boolean {
  return chunk.buffer.byteLength === chunk.byteLength
}

function ended(): NarwhalError {
  return new NarwhalError(
    'unavailable',
    'the thread that keeps long webhooks has ended: deliver it again',
  )
}
