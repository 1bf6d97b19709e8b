import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { NarwhalError } from '../../lib/errors.ts'
import { readWebhook, type SignedText } from './read-webhook.ts'
import type { ThreadAnswer } from './webhook-threads.ts'

/** The thread of `WebhookThreads`: reads one webhook and tells what it says. */
function answer(): ThreadAnswer {
  try {
    return { read: readWebhook(workerData as SignedText) }
  } catch (error) {
    const { code, message } = NarwhalError.from(error)
    return { code, message }
  }
}

/** On Linux of this thread alone: where processors are short, everything else goes first. */
function goLast(): void {
  try {
    setPriority(10)
  } catch {
    // Whoever runs Narwhal may have closed the call; then it goes like the others.
  }
}

goLast()
parentPort?.postMessage(answer())
