import { fork } from 'node:child_process'
import { once } from 'node:events'

/** A process of a benchmark, which says and hears messages. */
export interface Child extends AsyncDisposable {
  tell(message: object): void
  /** The next message; rejects when the process has ended. */
  hear<Message>(): Promise<Message>
}

/** Starts a file as a process; on disposal it is disconnected, which it takes for its end. */
export function startChild(file: URL, signal: AbortSignal, ...args: string[]): Child {
  const child = fork(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], signal })
  const ended = once(child, 'exit').catch(() => undefined)
  const gone = ended.then(() => {
    throw new Error(`${file.pathname} has ended`)
  })
  gone.catch(() => undefined)
  const heard: unknown[] = []
  let wake: (() => void) | undefined
  child.on('message', (message) => {
    heard.push(message)
    wake?.()
  })
  return {
    tell: (message) => void child.send(message),
    hear: async <Message>(): Promise<Message> => {
      while (heard.length === 0) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        await Promise.race([promise, gone])
      }
      return heard.shift() as Message
    },
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}
