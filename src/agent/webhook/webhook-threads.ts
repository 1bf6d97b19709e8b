import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { type ErrorCode, hasCode, NarwhalError } from '../../lib/errors.ts'
import { type ReadWebhook, readWebhook, type SignedText } from './read-webhook.ts'

/** What a thread says of the webhook that it was given. */
export type ThreadAnswer =
  | { readonly read: ReadWebhook }
  | { readonly code: ErrorCode; readonly message: string }

/** What is longer is read by a thread; this much takes some milliseconds at the most. */
const READ_AT_ONCE_BYTES = 256 * 1024
/** For 25 MB of what a forge sends it is several times as much as is needed. */
const MEMORY_MIB = 384
/** Forges have given up by then. */
const TIMEOUT_MS = 20_000

/**
 * Beside this file, with the same ending: as it is written, or bundled as an entry point of its own
 * (`src/agent/webhook/webhook-worker.ts` → `webhook-worker.js` in the folder of the main bundle).
 */
const ENTRY = new URL(`./webhook-worker${extname(import.meta.url)}`, import.meta.url)

/**
 * Reads webhooks whose signature is right; long ones, which are rare, each in a thread of its own with a
 * bound on time and memory, one after the other, so that nothing else waits for them.
 */
export class WebhookThreads {
  readonly #queue = new SerialQueue()

  /** Rejects with `invalid` when it is malformed, and `too_large` when it takes too much to read. */
  async read(text: SignedText): Promise<ReadWebhook> {
    if (text.body.byteLength <= READ_AT_ONCE_BYTES) return readWebhook(text)
    return await this.#queue.run(() => readInThread(text))
  }
}

async function readInThread(text: SignedText): Promise<ReadWebhook> {
  const { body } = text
  const isWhole = body.buffer.byteLength === body.byteLength
  const worker = new Worker(ENTRY, {
    // Nothing of this process is the thread's business.
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
    const bounds = `${MEMORY_MIB} MiB of memory, or ${TIMEOUT_MS / 1000} s`
    throw new NarwhalError('too_large', `the payload takes more than ${bounds} to read`, { cause })
  }
}

async function ended(worker: Worker, signal: AbortSignal): Promise<never> {
  await once(worker, 'exit', { signal })
  throw new NarwhalError('internal', 'the thread that reads webhooks has ended')
}
