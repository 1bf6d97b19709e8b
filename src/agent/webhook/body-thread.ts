import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { AddressPlace } from '../../forge/forge-hooks.ts'
import type { WebhookRepository } from '../../forge/parsed-webhook.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Proof } from './signature.ts'
import type { ProvenBody, UnreadBody } from './unread-body.ts'

/** A message to the thread about the body with this id. */
export type BodyOrder = { readonly id: number } & (
  | { readonly kind: 'add'; readonly chunk: Uint8Array }
  | { readonly kind: 'find'; readonly place: AddressPlace; readonly isForm: boolean }
  | { readonly kind: 'prove'; readonly proof: Proof }
  | { readonly kind: 'forget' }
)

/** The answer to `find` and `prove`. */
export interface BodyAnswer {
  readonly id: number
  readonly address?: WebhookRepository | undefined
  readonly proven?: ProvenBody | 'otherwise'
}

type Question =
  | Pick<Extract<BodyOrder, { kind: 'find' }>, 'kind' | 'place' | 'isForm'>
  | Pick<Extract<BodyOrder, { kind: 'prove' }>, 'kind' | 'proof'>

/** A body that is still being received. */
export interface LongBody extends UnreadBody {
  add(chunk: Uint8Array): void
}

interface Asker {
  readonly resolve: (answer: BodyAnswer) => void
  readonly reject: (reason: Error) => void
}

/** Long bodies are rare: the thread ends after this time without any. */
const IDLE_MS = 10_000

/** Next to this file, with the same extension: the source, or its own entry point of the bundle. */
const ENTRY = new URL(`./body-worker${extname(import.meta.url)}`, import.meta.url)

/**
 * Buffers and hashes long bodies in a thread. The hash is the smaller cost: megabytes of buffers on the
 * main thread make V8 run major garbage collections, tens of milliseconds each.
 *
 * States: no thread; a thread while there are bodies, and for `IDLE_MS` after the last one. If the
 * thread crashes, its bodies are lost and pending questions are rejected.
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
    const send = (order: BodyOrder, moved: ArrayBuffer[] = []): void =>
      worker.postMessage(order, moved)
    const ask = (question: Question): Promise<BodyAnswer> => {
      const { promise, resolve, reject } = Promise.withResolvers<BodyAnswer>()
      if (worker !== this.#worker) reject(ended())
      else this.#askers.set(id, { resolve, reject })
      send({ id, ...question })
      return promise
    }
    return {
      add: (chunk) => {
        const own = isAlone(chunk) ? chunk : Uint8Array.from(chunk)
        send({ id, kind: 'add', chunk: own }, [own.buffer as ArrayBuffer])
      },
      findAddress: async (place, isForm) => (await ask({ kind: 'find', place, isForm })).address,
      prove: async (proof) => (await ask({ kind: 'prove', proof })).proven,
      [Symbol.dispose]: () => {
        send({ id, kind: 'forget' })
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
    // The thread needs nothing of this process's environment.
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
    'the thread for long webhooks has crashed: deliver the webhook again',
  )
}
