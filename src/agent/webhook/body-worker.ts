import { parentPort } from 'node:worker_threads'
import { present } from '../../lib/present.ts'
import type { BodyAnswer, BodyOrder } from './body-thread.ts'
import { scanAddress } from './scan-payload.ts'
import { proofOfBody } from './signature.ts'
import { jsonOf } from './webhook-json.ts'

/** The thread of `BodyThread`: buffers the bytes of each body, and searches and hashes them on request. */
const bodies = new Map<number, Uint8Array[]>()

function answer(order: BodyOrder): { readonly answer: BodyAnswer; readonly moved?: ArrayBuffer } {
  const { id } = order
  const chunks = bodies.get(id) ?? []
  if (order.kind === 'find') {
    const json = jsonOf(Buffer.concat(chunks), order.isForm)
    return { answer: { id, address: scanAddress(json, order.place) } }
  }
  if (order.kind !== 'prove') return { answer: { id } }
  const by = proofOfBody(chunks, order.proof)
  if (typeof by !== 'number') return { answer: { id, ...present({ proven: by }) } }
  // A buffer of its own, so that it can be transferred.
  const bytes = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return { answer: { id, proven: { by, bytes } }, moved: bytes.buffer }
}

parentPort?.on('message', (order: BodyOrder) => {
  if (order.kind === 'add') {
    const chunks = bodies.get(order.id)
    if (chunks) chunks.push(order.chunk)
    else bodies.set(order.id, [order.chunk])
  } else if (order.kind === 'forget') {
    bodies.delete(order.id)
  } else {
    const { answer: message, moved } = answer(order)
    parentPort?.postMessage(message, moved ? [moved] : [])
  }
})
