import { setTimeout as sleep } from 'node:timers/promises'
import { NarwhalError } from '../../../lib/errors.ts'
import type { OutputListener, OutputStream, SandboxStep, StepExit } from '../executor.ts'
import type { PauseGate } from '../pause-gate.ts'
import type { FakeFiles } from './fake-files.ts'

const CHUNK_BYTES = 64 * 1024

/** What a script waits for, what ends it, and the files of the sandbox. */
export interface Course {
  readonly files: FakeFiles
  readonly gate: PauseGate
  readonly signal: AbortSignal
}

/**
 * Runs a script in the fake executor's language, one command per line:
 *
 * - `print TEXT`, `print-error TEXT`: writes the text and a line feed to standard output or standard error;
 * - `sleep MS`: waits for MS milliseconds, or until the step is aborted;
 * - `exit N`: ends the step with this code; a script without it ends with 0;
 * - `crash MESSAGE`: an engine failure: `run` rejects with `unavailable` and this message;
 * - `echo TEXT >> "$NAME"`: appends the text and a line feed to the file that the variable names, so that
 *   `echo a=1 >> "$NARWHAL_OUTPUT"` is an output of the job;
 * - `write PATH TEXT`: appends the text to a file;
 * - `flood LINES`: writes LINES numbered lines to standard output (`line 1`, `line 2`, …), as fast as they
 *   are consumed.
 *
 * `$NAME` and `${NAME}` are replaced by the step's environment variables ('' if not set). Any other line is
 * printed as it is, so that `echo hello` shows up in the log; empty lines are not. A step that installs
 * packages prints their names and succeeds.
 */
export async function runFakeScript(
  step: SandboxStep,
  listener: OutputListener,
  course: Course,
): Promise<StepExit> {
  // A listener that keeps a chunk without copying it finds it overwritten.
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
        await print(step.interleaved ? 'stdout' : 'stderr', rest)
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

/** Time spent paused does not count. */
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
    // Yields to the event loop.
    await new Promise(setImmediate)
    await gate.whenOpen(signal)
  }
}
