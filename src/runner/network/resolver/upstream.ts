import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'

/** One question to one name server (RFC 1035), by UDP and by TCP. */

/** A name server. */
export interface Upstream {
  readonly address: string
  readonly port: number
}

const PATIENCE_MS = 3_000
const LONGEST_ANSWER = 65_535

/** Rejects on timeout, and if the server can't be reached. */
export async function askByUdp(server: Upstream, question: Buffer): Promise<Buffer> {
  const socket = createSocket(server.address.includes(':') ? 'udp6' : 'udp4')
  const answered = Promise.withResolvers<Buffer>()
  const timer = setTimeout(() => answered.reject(new Error('no answer')), PATIENCE_MS)
  // A random port and id, so that an attacker who can't see the question can't forge the answer.
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
    // A connected socket: the kernel drops packets from others. Without a callback here, which would be called
    // for a failure as well, that is an 'error'.
    socket.on('connect', () => socket.send(asked))
    socket.connect(server.port, server.address)
    return await answered.promise
  } finally {
    clearTimeout(timer)
    socket.close()
  }
}

/** Rejects on timeout. */
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

/** A message for TCP, with its length in front. */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** Extracts the messages from a TCP stream. */
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
