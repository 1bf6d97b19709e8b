import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { commandIn, type Place } from '../services/command-in.ts'
import { tempDir } from '../temp-dir.ts'
import type { FileResult, TestResult } from './result.ts'

const REPORTER = join(import.meta.dirname, 'events.ts')

export interface RunFileOptions {
  /** Where its process runs, if not simply on this machine. */
  readonly place?: Place
  /** The checkout; `file` is relative to it. */
  readonly root: string
  readonly file: string
  readonly env: NodeJS.ProcessEnv
  /** Limit for one test, in milliseconds. */
  readonly timeoutMs: number
  /** How much longer than that a file may be silent before it counts as hanging; 30,000 by default. */
  readonly graceMs?: number
  /** Kills the file's process at once. */
  readonly signal: AbortSignal
}

/** Runs one test file in a process of its own; whatever happens becomes a result. */
export async function runFile(options: RunFileOptions): Promise<FileResult> {
  const { root, file, env, timeoutMs, graceMs = 30_000, signal } = options
  await using dir = await tempDir('narwhal-test-')
  // Servers that a test starts as other users (PostgreSQL) need access to their files in it.
  await chmod(dir.path, 0o711)
  const events = dir.join('events')
  const startedAt = performance.now()
  const [command, ...args] = commandIn(options.place ?? {}, [
    process.execPath,
    `--test-timeout=${timeoutMs}`,
    `--test-reporter=${REPORTER}`,
    `--test-reporter-destination=${events}`,
    file,
  ])
  // A process group and a temporary folder of its own: whatever a test leaves behind ends with it.
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
  const child = spawn(command, args, {
    cwd: root,
    env: { ...env, TMPDIR: dir.path },
    stdio,
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  }
  const end = () => endGroup(child.pid)
  signal.addEventListener('abort', end)
  if (signal.aborted) end()
  const silence = watchForSilence(events, timeoutMs + graceMs, end)
  const [code, killedBy] = (await once(child, 'exit')) as [number | null, string | null]
  silence.stop()
  signal.removeEventListener('abort', end)
  end()

  const tests = await readResults(events)
  const failed = tests.some((test) => test.outcome === 'failed')
  const problem = silence.noticed
    ? 'it did not end: a test, or something that a test has left open, keeps its process alive'
    : `its process ended with ${killedBy ?? `exit code ${code}`}`
  if (silence.noticed || killedBy || (code !== 0 && !failed)) {
    tests.push({ path: ['the file as a whole'], outcome: 'failed', error: problem })
  }
  return { file, tests, durationMs: performance.now() - startedAt, output }
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing is left of it.
  }
}

/** Node ends a test that takes too long, but not a process with open handles. */
function watchForSilence(events: string, limitMs: number, end: () => void) {
  const startedAt = Date.now()
  const watch = { noticed: false, stop: () => clearInterval(timer) }
  const look = async () => {
    const lastAt = await stat(events).then(
      ({ mtimeMs }) => mtimeMs,
      () => startedAt,
    )
    if (Date.now() - lastAt < limitMs) return
    watch.noticed = true
    end()
  }
  const timer = setInterval(() => void look(), Math.min(1000, limitMs / 2))
  return watch
}

async function readResults(events: string): Promise<TestResult[]> {
  const lines = await readFile(events, 'utf8').catch(() => '')
  const whole = lines.split('\n').slice(0, -1)
  return whole.map((line) => JSON.parse(line) as TestResult)
}
