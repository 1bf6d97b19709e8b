import { type TcpProxy, tcpProxy } from '../support/tcp-proxy.ts'

/** Which of a run's connections go through a proxy of ours, so that they can fail. */
export class Links implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack()
  readonly #links = new Map<string, TcpProxy>()

  /** A new way to a port on loopback; named as `dispatcher-1→postgres`. */
  async open(name: string, port: number): Promise<TcpProxy> {
    const proxy = this.#stack.use(await tcpProxy({ port }))
    this.#links.set(name, proxy)
    return proxy
  }

  /** The name of the process that is reached at this URL, if one of ours. */
  nameAt(url: string): string | undefined {
    const port = Number(new URL(url).port)
    const found = [...this.#links].find(([, link]) => link.port === port)
    return found?.[0].split('→')[1]
  }

  get names(): readonly string[] {
    return [...this.#links.keys()]
  }

  get(name: string): TcpProxy {
    const link = this.#links.get(name)
    if (!link) throw new RangeError(`there is no link ${name}`)
    return link
  }

  healAll(): void {
    for (const link of this.#links.values()) link.accept()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }
}
