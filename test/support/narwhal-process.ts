import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

const root = new URL('../..', import.meta.url).pathname.replace(/\/$/, '')

/** `./narwhal …` as a process of its own. */
export interface NarwhalProcess extends AsyncDisposable {
  readonly child: ChildProcess
  readonly said: () => string
  /** Kills it, by default with SIGKILL, and waits for its end. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

export type Env = Readonly<Record<string, string>>

/** `await using runner = startNarwhal(['runner', '--port', '0'])`; inherits none of our settings. */
export function startNarwhal(args: readonly string[], env: Env = {}): NarwhalProcess {
  const { PATH, HOME, TMPDIR } = process.env
  const child = spawn(`${root}/narwhal`, args, {
    env: { PATH, HOME, ...(TMPDIR ? { TMPDIR } : {}), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => said.push(text))
  }
  const closed = once(child, 'close')
  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await closed
  }
  return {
    child,
    said: () => said.join(''),
    kill,
    [Symbol.asyncDispose]: () => kill('SIGTERM'),
  }
}

export async function runNarwhal(
  args: readonly string[],
  env: Env = {},
): Promise<{ readonly code: number | null; readonly said: string }> {
  const { child, said } = startNarwhal(args, env)
  await once(child, 'close')
  return { code: child.exitCode, said: said() }
}
