import { once } from 'node:events'
import { WebSocket } from 'ws'
import type { LiveEvent, StateChange } from '../../src/contract/live/live-event.ts'
import {
  type LiveRequest,
  type LiveResponse,
  liveResponse,
} from '../../src/contract/live/live-protocol.ts'
import type { LogLine } from '../../src/contract/rest/views.ts'

/** A websocket at `/api/v1/live` that records all messages, checked against the contract. */
export class LiveTestClient implements AsyncDisposable {
  readonly socket: WebSocket
  readonly heard: LiveResponse[] = []

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => {
      this.heard.push(liveResponse.parse(JSON.parse(data.toString('utf8'))))
    })
  }

  static async connect(url: string, headers: Record<string, string> = {}): Promise<LiveTestClient> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, { headers })
    const client = new LiveTestClient(socket)
    await once(socket, 'open')
    return client
  }

  ask(request: LiveRequest): void {
    this.socket.send(JSON.stringify(request))
  }

  of(id: string): LiveResponse[] {
    return this.heard.filter((response) => response.id === id)
  }

  events(id: string): LiveEvent[] {
    return this.of(id).flatMap((response) => (response.type === 'event' ? [response.event] : []))
  }

  changes(id: string): StateChange[] {
    return this.events(id).filter((event) => 'seq' in event)
  }

  lines(id: string): LogLine[] {
    return this.events(id).flatMap((event) => (event.type === 'log.appended' ? event.lines : []))
  }

  has(id: string, type: LiveResponse['type']): boolean {
    return this.of(id).some((response) => response.type === type)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return
    const closed = once(this.socket, 'close')
    this.socket.terminate()
    await closed
  }
}
