import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection that is kept, with one request at a time: as little work as a client can have. */
export class WebhookConnection implements Disposable {
  readonly #socket: Socket
  #received = ''
  #waiting: { resolve: (status: number) => void; reject: (reason: Error) => void } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true).setEncoding('latin1')
    socket.on('data', (text: string) => this.#hear(text))
    socket.on('error', (error) => this.#waiting?.reject(error))
    socket.on('close', () => this.#waiting?.reject(new Error('the connection was closed')))
  }

  static async open(url: URL, signal: AbortSignal): Promise<WebhookConnection> {
    const socket = connect(Number(url.port), url.hostname)
    await once(socket, 'connect', { signal })
    return new WebhookConnection(socket)
  }

  /** Sends a whole request and resolves with the status of its answer. */
  send(request: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#socket.write(request)
    })
  }

  #hear(text: string): void {
    this.#received += text
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.#received.slice(0, end)
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
    if (this.#received.length < end + 4 + length) return
    const waiting = this.#waiting
    this.#received = ''
    this.#waiting = undefined
    waiting?.resolve(Number(head.slice(9, 12)))
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }
}
