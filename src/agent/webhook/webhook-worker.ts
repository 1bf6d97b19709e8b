import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { NarwhalError } from '../../lib/errors.ts'
import { readWebhook, type SignedText } from './read-webhook.ts'
import type { ThreadAnswer } from './webhook-threads.ts'

/** The thread of `WebhookThreads`: parses one webhook. */
function answer(): ThreadAnswer {
  try {
    return { read: readWebhook(workerData as SignedText) }
  } catch (error) {
    const { code, message } = NarwhalError.from(error)
    return { code, message }
  }
}

/** On Linux for this thread alone, so that everything else has precedence. */
function lowerPriority(): void {
  try {
    setPriority(10)
  } catch {
    // The system call may be forbidden, by seccomp for instance.
  }
}

lowerPriority()
parentPort?.postMessage(answer())
