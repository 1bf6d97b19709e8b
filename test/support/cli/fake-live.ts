import type { StateChange } from '#root/src/contract/live/live-event.ts'
import {
  type LiveResponse,
  type LiveTopic,
  liveRequest,
} from '#root/src/contract/live/live-protocol.ts'
import type { JobView, LogLine } from '#root/src/contract/rest/views.ts'

export interface FakeSocket {
  send(text: string): void
  terminate(): void
  on(name: 'message', listener: (data: Buffer) => void): void
  on(name: 'close', listener: () => void): void
}

interface LogReader {
  readonly jobId: string
  send(lines: readonly LogLine[]): void
  end(): void
  cut(): void
}

export class FakeLive {
  seq = 100
  readonly logs = new Map<string, LogLine[]>()
  readonly topics: LiveTopic[] = []
  readonly #history: StateChange[] = []
  readonly #ended = new Set<string>()
  readonly #sockets = new Set<FakeSocket>()
  readonly #changeReaders = new Set<{ socket: FakeSocket; id: string }>()
  readonly #logReaders = new Set<LogReader>()

  change(event: StateChange): void {
    this.seq = event.seq
    this.#history.push(event)
    for (const { socket, id } of this.#changeReaders) send(socket, { type: 'event', id, event })
  }

  log(job: JobView, lines: readonly LogLine[]): void {
    this.logs.set(job.id, [...(this.logs.get(job.id) ?? []), ...lines])
    for (const reader of this.#logReaders) if (reader.jobId === job.id) reader.send(lines)
  }

  endLog(job: JobView): void {
    this.#ended.add(job.id)
    for (const reader of this.#logReaders) if (reader.jobId === job.id) reader.end()
  }

  drop(): void {
    for (const socket of this.#sockets) socket.terminate()
    for (const reader of this.#logReaders) reader.cut()
    this.#logReaders.clear()
    this.#changeReaders.clear()
  }

  follow(
    jobId: string,
    from: number,
    response: { write(text: string): void; end(): void; destroy(): void },
  ): void {
    this.#read({
      jobId,
      send: (lines) => {
        const fresh = lines.filter((line) => line.number >= from)
        for (const line of fresh) response.write(`${JSON.stringify(line)}\n`)
      },
      end: () => response.end(),
      cut: () => response.destroy(),
    })
  }

  connect(socket: FakeSocket, forget: () => boolean): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('message', (data) => {
      const request = liveRequest.parse(JSON.parse(data.toString()))
      if (request.type !== 'subscribe') return
      const { id, topic, after } = request
      this.topics.push(topic)
      if (topic.kind === 'log') {
        const { jobId, attempt } = topic
        this.#read({
          jobId,
          send: (all) => {
            const lines = all.filter((line) => line.number > (after ?? -1))
            const event = { type: 'log.appended', jobId, attempt, lines } as const
            if (lines.length > 0) send(socket, { type: 'event', id, event })
          },
          end: () => send(socket, { type: 'end', id }),
          cut: () => {},
        })
        return send(socket, {
          type: 'subscribed',
          id,
          seq: (this.logs.get(jobId)?.length ?? 0) - 1,
        })
      }
      if (forget()) send(socket, { type: 'reset', id })
      else {
        for (const event of this.#history) {
          if (event.seq > (after ?? this.seq)) send(socket, { type: 'event', id, event })
        }
      }
      this.#changeReaders.add({ socket, id })
      send(socket, { type: 'subscribed', id, seq: this.seq })
    })
  }

  #read(reader: LogReader): void {
    reader.send(this.logs.get(reader.jobId) ?? [])
    if (this.#ended.has(reader.jobId)) return reader.end()
    this.#logReaders.add(reader)
  }
}

function send(socket: FakeSocket, response: LiveResponse): void {
  socket.send(JSON.stringify(response))
}
