import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { createServer, type Server, type Socket as TcpSocket } from 'node:net'
import { readNameServers } from '../machine.ts'
import { type AnswerFilter, emptyAnswer } from './answer-filter.ts'
import { askByTcp, askByUdp, Frames, framed, type Upstream } from './upstream.ts'

export interface ResolverOptions {
  /** The address on which it answers; nobody else has it. */
  readonly address: string
  /** 53 unless told. */
  readonly port?: number
  /** The machine's own servers, asked anew for each question; as its resolv.conf says unless told. */
  readonly servers?: () => Promise<readonly Upstream[]>
  /** Takes out of an answer what the asker must not have; absent: nothing. */
  readonly filter?: AnswerFilter
}

/** What questions may wait at once: of all jobs, and of one. */
const MOST_QUESTIONS = 2_000
const MOST_OF_ONE = 200
const MOST_CONNECTIONS = 64
const IDLE_MS = 10_000
/** A question is a name, and little else. */
const LONGEST_QUESTION = 4_096

/**
 * Answers jobs by UDP and TCP what the machine's own servers for names say: those may be where no job can
 * reach, on the machine's loopback for one. It keeps nothing and reads nothing but what it filters.
 */
export class Resolver implements AsyncDisposable {
  readonly #options: ResolverOptions
  readonly #udp: Socket
  readonly #tcp: Server
  readonly #connections = new Set<TcpSocket>()
  /** Questions that wait, by the address of who asks. */
  readonly #waiting = new Map<string, number>()
  #total = 0

  private constructor(options: ResolverOptions) {
    this.#options = options
    this.#udp = createSocket(options.address.includes(':') ? 'udp6' : 'udp4')
    this.#tcp = createServer((socket) => this.#accept(socket))
    this.#tcp.maxConnections = MOST_CONNECTIONS * 8
  }

  static async open(options: ResolverOptions): Promise<Resolver> {
    const resolver = new Resolver(options)
    await resolver.#listen()
    return resolver
  }

  /** Where it answers by UDP and TCP. */
  get port(): number {
    return this.#udp.address().port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#connections) socket.destroy()
    await Promise.all([
      new Promise<void>((resolve) => void this.#udp.close(() => resolve())),
      new Promise<void>((resolve) => void this.#tcp.close(() => resolve())),
    ])
  }

  async #listen(): Promise<void> {
    const { address, port = 53 } = this.#options
    const udp = Promise.withResolvers<void>()
    this.#udp.once('error', udp.reject)
    this.#udp.bind({ address, port, exclusive: true }, udp.resolve)
    await udp.promise
    this.#udp.off('error', udp.reject)
    // What was sent to a job that has ended comes back as an error.
    this.#udp.on('error', () => {})
    this.#udp.on('message', (question, from) => void this.#answerUdp(question, from))
    this.#udp.unref()
    const tcp = Promise.withResolvers<void>()
    this.#tcp.once('error', tcp.reject)
    this.#tcp.listen({ host: address, port: this.port }, tcp.resolve)
    await tcp.promise
    this.#tcp.off('error', tcp.reject)
    this.#tcp.on('error', () => {})
    this.#tcp.unref()
  }

  async #answerUdp(question: Buffer, from: RemoteInfo): Promise<void> {
    const answer = await this.#counted(from.address, () => this.#ask(question, askByUdp))
    if (answer) this.#udp.send(answer, from.port, from.address, () => {})
  }

  #accept(socket: TcpSocket): void {
    const from = socket.remoteAddress ?? ''
    const same = [...this.#connections].filter(({ remoteAddress }) => remoteAddress === from)
    if (same.length >= MOST_CONNECTIONS) return void socket.destroy()
    this.#connections.add(socket)
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => this.#connections.delete(socket))
    const frames = new Frames(LONGEST_QUESTION)
    socket.on('data', (chunk: Buffer) => {
      const questions = frames.read(chunk)
      if (questions === 'too_long') return void socket.destroy()
      for (const question of questions) void this.#answerTcp(question, from, socket)
    })
  }

  async #answerTcp(question: Buffer, from: string, socket: TcpSocket): Promise<void> {
    const answer = await this.#counted(from, () => this.#ask(question, askByTcp))
    if (answer && socket.writable) socket.write(framed(answer))
  }

  /** Whoever asks more than can wait gets no answer, and asks again. */
  async #counted(
    from: string,
    ask: () => Promise<Buffer | undefined>,
  ): Promise<Buffer | undefined> {
    const count = this.#waiting.get(from) ?? 0
    if (count >= MOST_OF_ONE || this.#total >= MOST_QUESTIONS) return undefined
    this.#waiting.set(from, count + 1)
    this.#total += 1
    try {
      return await ask()
    } finally {
      this.#total -= 1
      const left = (this.#waiting.get(from) ?? 1) - 1
      if (left > 0) this.#waiting.set(from, left)
      else this.#waiting.delete(from)
    }
  }

  /** The first answer of the servers, one after the other; undefined for what is no question. */
  async #ask(question: Buffer, ask: typeof askByUdp): Promise<Buffer | undefined> {
    // A header, and the bit of a question.
    if (question.length < 12 || question.length > LONGEST_QUESTION) return undefined
    if (((question[2] ?? 0) & 0x80) !== 0) return undefined
    const { filter = (answer: Buffer) => answer } = this.#options
    for (const server of await (this.#options.servers ?? machineServers)()) {
      const answer = await ask(server, question).catch(() => undefined)
      if (answer) return filter(answer, question)
    }
    return emptyAnswer(question, 'SERVFAIL')
  }
}

async function machineServers(): Promise<readonly Upstream[]> {
  const { servers } = await readNameServers()
  return servers.slice(0, 3).map((address) => ({ address, port: 53 }))
}
