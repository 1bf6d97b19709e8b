import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { NarwhalError } from '../../lib/errors.ts'
import type { FailedSandbox, KeepFailed } from '../../runner/attempt/failed-sandbox.ts'
import type { SandboxShell, ServedShell } from '../../runner/executor/sandbox-shell.ts'

/**
 * Keeps the sandbox of the first failed job until the shell exits. Only that one, since a kept sandbox
 * occupies a slot that other jobs wait for.
 */
export class FailedShell implements Disposable {
  readonly #over = Promise.withResolvers<void>()
  #failed: FailedSandbox | undefined

  readonly keep: KeepFailed = async (failed) => {
    if (this.#failed) return
    this.#failed = failed
    await this.#over.promise
  }

  get failed(): FailedSandbox | undefined {
    return this.#failed
  }

  [Symbol.dispose](): void {
    this.#over.resolve()
  }
}

/** Connects this process's terminal or pipes to the shell until it exits. */
export async function runShell(shell: SandboxShell): Promise<void> {
  // Ctrl-C is for the shell.
  const former = process.listeners('SIGINT')
  process.removeAllListeners('SIGINT')
  const ignore = (): void => {}
  process.on('SIGINT', ignore)
  try {
    if (shell.kind === 'program') await runProgram(shell)
    else await runServed(shell)
  } finally {
    process.off('SIGINT', ignore)
    for (const listener of former) process.on('SIGINT', listener)
  }
}

async function runProgram({
  command,
  args,
  env,
  cwd,
  user,
}: Extract<SandboxShell, { kind: 'program' }>): Promise<void> {
  const child = spawn(command, args, { cwd, env: { ...env }, ...user, stdio: 'inherit' })
  try {
    await once(child, 'exit')
  } catch (cause) {
    throw new NarwhalError('unavailable', `${command} could not be started`, { cause })
  }
}

async function runServed(shell: Extract<SandboxShell, { kind: 'served' }>): Promise<void> {
  const { stdin, stdout } = process
  const isTerminal = stdin.isTTY && stdout.isTTY
  const size = () => ({ columns: stdout.columns, rows: stdout.rows })
  const served = await shell.open(isTerminal ? size() : undefined)
  const resize = (): void => void served.resize(size()).catch(() => {})
  if (isTerminal) {
    stdin.setRawMode(true)
    stdout.on('resize', resize)
  }
  try {
    await pass(served)
  } finally {
    stdout.off('resize', resize)
    if (isTerminal) stdin.setRawMode(false)
    stdin.unpipe(served.input)
    stdin.pause()
    served.input.destroy()
  }
}

async function pass({ input, output }: ServedShell): Promise<void> {
  // The shell may have exited.
  input.on('error', () => {})
  process.stdin.pipe(input)
  try {
    for await (const chunk of output) {
      if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
    }
  } catch {
    // The connection ends with the shell, cleanly or not.
  }
}
