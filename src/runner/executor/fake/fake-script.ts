import { setTimeout as sleep } from 'node:timers/promises'
import { NarwhalError } from '../../../lib/errors.ts'
import type { OutputListener, OutputStream, SandboxStep, StepExit } from '../executor.ts'
import type { PauseGate } from '../pause-gate.ts'
import type { FakeFiles } from './fake-files.ts'

const CHUNK_BYTES = 64 * 1024

/** What holds a script up, what ends it, and what those before it have left. */
export interface Course {
  readonly files: FakeFiles
  readonly gate: PauseGate
  readonly signal: AbortSignal
}

/**
 * Runs a script of the fake executor's language, one command a line:
 *
 * - `print TEXT`, `print-error TEXT`: the text and a line feed on standard output or standard error;
 * - `sleep MS`: waits so many milliseconds, or until the step is aborted;
 * - `exit N`: ends the step with this code; a script that comes to its end ends with 0;
 * - `crash MESSAGE`: the engine fails: `run` rejects with NarwhalError `unavailable` and this message;
 * - `echo TEXT >> "$NAME"`: the text and a line feed at the end of the file that the variable names, so
 *   that `echo a=1 >> "$NARWHAL_OUTPUT"` is an output of the job;
 * - `write PATH TEXT`: the text at the end of a file;
 * - `flood LINES`: so many numbered lines on standard output (`line 1`, `line 2`, …), as fast as they
 *   are taken.
 *
 * `$NAME` and `${NAME}` stand for the step's environment variables ('' where there is none). Every other
 * line is printed as it is, so that `echo hello` shows up in the log; empty lines are not. A step that
 * installs packages prints their names and succeeds.
 */
export async function runFakeScript(
  step: SandboxStep,
  listener: OutputListener,
  course: Course,
): Promise<StepExit> {
  // Whoever keeps a chunk that was only lent to it finds something else in it.
  const output: OutputListener = (stream, chunk) => {
    const heard = listener(stream, chunk)
    chunk.fill(0x21)
    return heard
  }
  const print = async (stream: OutputStream, text: string) =>
    output(stream, Buffer.from(`${text}\n`))
  if (step.installs) {
    await print('stdout', `# narwhal: install ${step.installs.join(' ')}`)
    return { exitCode: 0 }
  }
  for (const raw of step.script.split('\n')) {
    await course.gate.whenOpen(course.signal)
    const line = raw.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, a, b) => step.env[a ?? b] ?? '')
    const [, added, name = ''] = /^echo (.*) >> "\$(\w+)"$/.exec(raw) ?? []
    const file = step.env[name]
    if (added !== undefined && file !== undefined) {
      course.files.append(file, `${added}\n`)
      continue
    }
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
      case 'write': {
        const [, path = '', text = ''] = /^(\S+) ?(.*)$/.exec(rest) ?? []
        course.files.append(path, text)
        break
      }
      case 'sleep':
        await wait(Number(rest), course)
        break
      case 'exit':
        return { exitCode: Number(rest) }
      case 'crash':
        throw new NarwhalError('unavailable', rest)
      case 'flood':
        await flood(Number(rest), output, course)
        break
      default:
        await print('stdout', raw)
    }
  }
  return { exitCode: 0 }
}

/** The time of a pause does not count. */
async function wait(ms: number, { gate, signal }: Course): Promise<void> {
  for (let left = ms; left > 0; ) {
    await gate.whenOpen(signal)
    const startedAt = performance.now()
    const until = AbortSignal.any([signal, gate.period])
    const slept = await sleep(left, true, { signal: until }).catch(() => false)
    signal.throwIfAborted()
    if (slept) return
    left -= performance.now() - startedAt
  }
}

async function flood(
  count: number,
  output: OutputListener,
  { gate, signal }: Course,
): Promise<void> {
  let text = ''
  for (let line = 1; line <= count; line++) {
    text += `line ${line}\n`
    if (text.length < CHUNK_BYTES && line < count) continue
    await output('stdout', Buffer.from(text))
    text = ''
    // Lets the rest of the process have its turn.
    await new Promise(setImmediate)
    await gate.whenOpen(signal)
  }
}
