import { setTimeout as sleep } from 'node:timers/promises'
import { NarwhalError } from '../../lib/errors.ts'
import { INSTALL_COMMENT } from '../packages.ts'
import type { OutputListener, OutputStream, SandboxStep, StepExit } from './executor.ts'

const CHUNK_BYTES = 64 * 1024

/**
 * Runs a script of the fake executor's language, one command a line:
 *
 * - `print TEXT`, `print-error TEXT`: the text and a line feed on standard output or standard error;
 * - `sleep MS`: waits so many milliseconds, or until the step is aborted;
 * - `exit N`: ends the step with this code; a script that comes to its end ends with 0;
 * - `crash MESSAGE`: the engine fails: `run` rejects with NarwhalError `unavailable` and this message;
 * - `flood LINES`: so many numbered lines on standard output (`line 1`, `line 2`, …), as fast as they
 *   are taken.
 *
 * `$NAME` and `${NAME}` stand for the step's environment variables ('' where there is none). Every other
 * line is printed as it is, so that `echo hello` shows up in the log; empty lines are not. A script
 * that installs packages prints its first line and succeeds.
 */
export async function runFakeScript(
  step: SandboxStep,
  output: OutputListener,
  signal: AbortSignal,
): Promise<StepExit> {
  const print = async (stream: OutputStream, text: string) =>
    output(stream, Buffer.from(`${text}\n`))
  const lines = step.script.startsWith(INSTALL_COMMENT)
    ? step.script.split('\n', 1)
    : step.script.split('\n')
  for (const raw of lines) {
    signal.throwIfAborted()
    const line = raw.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, a, b) => step.env[a ?? b] ?? '')
    const [, command = '', rest = ''] = /^\s*(\S*)\s?(.*)$/.exec(line) ?? []
    switch (command) {
      case '':
        break
      case 'print':
        await print('stdout', rest)
        break
      case 'print-error':
        await print('stderr', rest)
        break
      case 'sleep':
        await pause(Number(rest), signal)
        break
      case 'exit':
        return { exitCode: Number(rest) }
      case 'crash':
        throw new NarwhalError('unavailable', rest)
      case 'flood':
        await flood(Number(rest), output, signal)
        break
      default:
        await print('stdout', raw)
    }
  }
  return { exitCode: 0 }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => signal.throwIfAborted())
}

async function flood(count: number, output: OutputListener, signal: AbortSignal): Promise<void> {
  let text = ''
  for (let line = 1; line <= count; line++) {
    text += `line ${line}\n`
    if (text.length < CHUNK_BYTES && line < count) continue
    await output('stdout', Buffer.from(text))
    text = ''
    // Lets the rest of the process have its turn.
    await new Promise(setImmediate)
    signal.throwIfAborted()
  }
}
