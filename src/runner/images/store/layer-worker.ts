import { parentPort } from 'node:worker_threads'
import { NarwhalError } from '../../../lib/errors.ts'
import { orNoSpace } from '../layer/no-space.ts'
import { unpackLayer } from '../layer/unpack-layer.ts'
import { topOfLayers } from '../top/top-of-layers.ts'
import type { ThreadAnswer, ThreadOrder } from './thread-orders.ts'

/** A thread of `LayerThreads`: reads, checks and rewrites layers, one at a time. */
const stops = new Map<number, AbortController>()

async function follow(order: Exclude<ThreadOrder, { kind: 'abort' }>): Promise<ThreadAnswer> {
  const { id } = order
  const stop = new AbortController()
  stops.set(id, stop)
  try {
    const work =
      order.kind === 'layer'
        ? unpackLayer(order.job, stop.signal)
        : topOfLayers(order.job, stop.signal)
    return { id, result: await work }
  } catch (error) {
    const { code, message } = NarwhalError.from(orNoSpace(error))
    return { id, code, words: message }
  } finally {
    stops.delete(id)
  }
}

parentPort?.on('message', (order: ThreadOrder) => {
  if (order.kind === 'abort') stops.get(order.id)?.abort()
  else void follow(order).then((answer) => parentPort?.postMessage(answer))
})
