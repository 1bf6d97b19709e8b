import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { createServer, type Server, type Socket as TcpSocket } from 'node:net'
import { readNameServers } from '../machine.ts'
import { type AnswerFilter, emptyAnswer } from './answer-filter.ts'
import { askByTcp, askByUdp, Frames, framed, type Upstream } from './upstream.ts'

export interface ResolverOptions {
  /** The address that it listens on; nobody else has it. */
  readonly address: string
  /** 53 by default. */
  readonly port?: number
  /** The machine's own name servers, read again for each question; from its resolv.conf by default. */
  readonly servers?: () => Promise<readonly Upstream[]>
  /** Removes what the client must not see; absent: nothing. */
  readonly filter?: AnswerFilter
}

/** Limits of pending questions: of all jobs, and of one. */
const MOST_QUESTIONS = 2_000
const MOST_OF_ONE = 200
const MOST_CONNECTIONS = 64
const IDLE_MS = 10_000
/** A question is a name, and little else. */
const LONGEST_QUESTION = 4_096

/**
 * Answers jobs by UDP and TCP with the answers of the machine's own name servers, which may be where no job
 * can reach them, such as on the machine's loopback. Caches nothing, and parses only what it filters.
 */
export class Resolver implements AsyncDisposable {
  readonly #options: ResolverOptions
  readonly #udp: Socket
  readonly #tcp: Server
  readonly #connections = new Set<TcpSocket>()
  /** Pending questions by the client's address. */
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

  /** Its port for UDP and TCP. */
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
    // Packets to a job that has ended come back as errors.
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

  /** A client over its limit gets no answer, and will retry. */
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

  /** The first answer from the servers, in order; undefined for what is no question. */
  async #ask(question: Buffer, ask: typeof askByUdp): Promise<Buffer | undefined> {
    // A header, and the question bit.
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
