import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface RunTimes {
  /** From the start of the command to the first output of a step, and to its end, in milliseconds. */
  readonly firstMs: number
  readonly totalMs: number
}

export interface MeasuredRun {
  /** The checkout whose `narwhal` is measured. */
  readonly root: string
  readonly executor: string
  /** A working tree whose only step prints `hello`. */
  readonly repository: string
  readonly data: string
  readonly signal: AbortSignal
}

/** Runs the pipeline of a working tree; rejects if it does not succeed. */
export async function measureRun(run: MeasuredRun): Promise<RunTimes> {
  const { root, executor, repository, data, signal } = run
  const args = ['run', '--plain', '--executor', executor, '--data', data]
  const startedAt = performance.now()
  const child = spawn(`${root}/narwhal`, args, { cwd: repository, signal, stdio: 'pipe' })
  child.stdin.end()
  let said = ''
  let firstMs: number | undefined
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    if (/ [│|] hello$/m.test(said)) firstMs ??= performance.now() - startedAt
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const [code] = await once(child, 'close')
  if (code !== 0 || firstMs === undefined)
    throw new Error(`narwhal run ended with ${code}: ${said}`)
  return { firstMs, totalMs: performance.now() - startedAt }
}

/** The same command by a shell, without Narwhal. */
export async function measureShell(command: string): Promise<number> {
  const startedAt = performance.now()
  await once(spawn('/bin/sh', ['-c', command], { stdio: 'ignore' }), 'close')
  return performance.now() - startedAt
}
