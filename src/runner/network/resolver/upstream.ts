import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'

/** One question to one server for names (RFC 1035), by UDP and by TCP. */

/** A server for names. */
export interface Upstream {
  readonly address: string
  readonly port: number
}

const PATIENCE_MS = 3_000
const LONGEST_ANSWER = 65_535

/** Rejects when there is no answer in time. */
export async function askByUdp(server: Upstream, question: Buffer): Promise<Buffer> {
  const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4')
  const answered = Promise.withResolvers<Buffer>()
  const timer = setTimeout(() => answered.reject(new Error('no answer')), PATIENCE_MS)
  // Nobody who does not see the question can guess the answer: a port and a number of their own.
  const number = randomInt(0x10000)
  const asked = Buffer.from(question)
  asked.writeUInt16BE(number, 0)
  socket.on('error', answered.reject)
  socket.on('message', (answer) => {
    if (answer.length < 12 || answer.readUInt16BE(0) !== number) return
    answer.writeUInt16BE(question.readUInt16BE(0), 0)
    answered.resolve(answer)
  })
  try {
    // Connected: what others send to this port is dropped by the kernel.
    socket.connect(server.port, server.address, () => socket.send(asked))
    return await answered.promise
  } finally {
    clearTimeout(timer)
    socket.close()
  }
}

/** Rejects when there is no answer in time. */
export async function askByTcp(server: Upstream, question: Buffer): Promise<Buffer> {
  const answered = Promise.withResolvers<Buffer>()
  const socket = connect({ host: server.address, port: server.port })
  socket.setTimeout(PATIENCE_MS, () => answered.reject(new Error('no answer')))
  socket.on('error', answered.reject)
  socket.on('close', () => answered.reject(new Error('no answer')))
  const frames = new Frames(LONGEST_ANSWER)
  socket.on('data', (chunk: Buffer) => {
    const [answer] = frames.read(chunk)
    if (typeof answer === 'object') answered.resolve(answer)
  })
  try {
    socket.write(framed(question))
    return await answered.promise
  } finally {
    socket.destroy()
  }
}

/** A message as it goes over TCP, with its length before it. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** Takes the messages out of what comes by TCP. */
export class Frames {
  readonly #longest: number
  #rest: Buffer = Buffer.alloc(0)

  constructor(longest: number) {
    this.#longest = longest
  }

  read(chunk: Buffer): Buffer[] | 'too_long' {
    this.#rest = Buffer.concat([this.#rest, chunk])
    const messages: Buffer[] = []
    while (this.#rest.length >= 2) {
      const length = this.#rest.readUInt16BE(0)
      if (length > this.#longest) return 'too_long'
      if (this.#rest.length < 2 + length) break
      messages.push(Buffer.from(this.#rest.subarray(2, 2 + length)))
      this.#rest = this.#rest.subarray(2 + length)
    }
    return messages
  }
}
