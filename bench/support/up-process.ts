import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Installation } from '../../test/support/installation.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import { clientOf, tokenIn } from '../../test/support/tokens.ts'

/** The checkout's folder. */
export const root = new URL('../..', import.meta.url).pathname.replace(/\/$/, '')

/** `./narwhal up` as a process of its own, until it is disposed of. */
export async function startUpProcess(options: {
  readonly executor: string
  readonly signal: AbortSignal
  /** Its data folder; an empty one unless told. */
  readonly data?: string
}): Promise<Installation & { readonly pid: number }> {
  await using stack = new AsyncDisposableStack()
  const data = options.data ?? stack.use(await tempDir('narwhal-bench-')).path
  const { PATH, HOME, TMPDIR } = process.env
  const flags = ['--port', '0', '--data', data, '--executor', options.executor]
  const child = spawn(`${root}/narwhal`, ['up', ...flags], {
    env: { PATH, HOME, ...(TMPDIR ? { TMPDIR } : {}) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  stack.defer(async () => {
    child.kill('SIGTERM')
    await ended
  })
  let said = ''
  const { promise: listens, resolve } = Promise.withResolvers<string>()
  for (const stream of [child.stdout, child.stderr]) {
    // Read on for ever: a full pipe would stop the process.
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000)
      const url = /is up: (http:\S+)/.exec(said)?.[1]
      if (url) resolve(url)
    })
  }
  const url = await Promise.race([
    listens,
    ended.then(() => {
      throw new Error(`narwhal up has ended: ${said}`)
    }),
    once(AbortSignal.any([options.signal, AbortSignal.timeout(30_000)]), 'abort').then(() => {
      throw new Error(`narwhal up does not start: ${said}`)
    }),
  ])
  const resources = stack.move()
  return {
    url,
    pid: child.pid ?? 0,
    agentUrl: url,
    client: clientOf(url, data, options.signal),
    token: tokenIn(data),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}
