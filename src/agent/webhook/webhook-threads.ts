import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { type ErrorCode, hasCode, NarwhalError } from '../../lib/errors.ts'
import { type ReadWebhook, readWebhook, type SignedText } from './read-webhook.ts'

/** A thread's answer: the parsed webhook, or an error. */
export type ThreadAnswer =
  | { readonly read: ReadWebhook }
  | { readonly code: ErrorCode; readonly message: string }

/** Longer webhooks are parsed by a thread; this much takes a few milliseconds at most. */
const INLINE_BYTES = 256 * 1024
/** Several times as much as 25 MB of a real payload need. */
const MEMORY_MIB = 384
/** Forges have timed out by then. */
const TIMEOUT_MS = 20_000

/**
 * Next to this file, with the same extension: the source, or its own entry point of the bundle
 * (`src/agent/webhook/webhook-worker.ts` → `webhook-worker.js` in the folder of the main bundle).
 */
const ENTRY = new URL(`./webhook-worker${extname(import.meta.url)}`, import.meta.url)

/**
 * Parses webhooks with a valid signature; long ones, which are rare, one after the other, each in its
 * own thread with a limit on time and memory, so that nothing else waits for them.
 */
export class WebhookThreads {
  readonly #queue = new SerialQueue()

  /** Rejects with `invalid` if it is malformed, and `too_large` if parsing exceeds the limits. */
  async read(text: SignedText): Promise<ReadWebhook> {
    if (text.body.byteLength <= INLINE_BYTES) return readWebhook(text)
    return await this.#queue.run(() => readInThread(text))
  }
}

async function readInThread(text: SignedText): Promise<ReadWebhook> {
  const { body } = text
  const isWhole = body.buffer.byteLength === body.byteLength
  const worker = new Worker(ENTRY, {
    // The thread needs nothing of this process's environment.
    env: {},
    argv: [],
    execArgv: [],
    workerData: text,
    ...(isWhole ? { transferList: [body.buffer as ArrayBuffer] } : {}),
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB, maxYoungGenerationSizeMb: 32 },
  })
  try {
    const answer = await answerOf(worker)
    if ('read' in answer) return answer.read
    throw new NarwhalError(answer.code, answer.message)
  } finally {
    await worker.terminate()
  }
}

async function answerOf(worker: Worker): Promise<ThreadAnswer> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const [answer] = await Promise.race([
      once(worker, 'message', { signal }),
      ended(worker, signal),
    ])
    return answer as ThreadAnswer
  } catch (cause) {
    const isTooMuch =
      hasCode(cause, 'ERR_WORKER_OUT_OF_MEMORY') ||
      (cause instanceof Error && cause.name === 'AbortError')
    if (!isTooMuch) throw NarwhalError.from(cause)
    const limits = `${MEMORY_MIB} MiB of memory, or ${TIMEOUT_MS / 1000} s`
    throw new NarwhalError('too_large', `parsing the payload takes more than ${limits}`, { cause })
  }
}

async function ended(worker: Worker, signal: AbortSignal): Promise<never> {
  await once(worker, 'exit', { signal })
  throw new NarwhalError('internal', 'the thread that parses webhooks has crashed')
}
