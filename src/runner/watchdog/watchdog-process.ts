import { writeSync } from 'node:fs'
import { endSandbox } from './end-sandbox.ts'
import { monotonicMs, type WatchdogLine } from './watchdog-line.ts'
import { WatchedSandboxes } from './watched-sandboxes.ts'

/**
 * The process that `startWatchdog` starts: it hears lines of its runner on the standard input, ends what
 * the runner does not hold any more, and itself at the end of the input, which comes with the runner's
 * end, however that ends. It must stay small, so it imports nothing but Node's own modules and a few of ours.
 */

/** In the form of the runner's log, on the same standard error; nobody may be there to read it. */
function say(words: string): void {
  const line = { level: 40, time: Date.now(), pid: process.pid, name: 'watchdog', msg: words }
  try {
    writeSync(2, `${JSON.stringify(line)}\n`)
  } catch {
    // It is not worth more than what has been done.
  }
}

// The whole group or control group may be asked to end: the runner decides what that means.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

const sandboxes = new WatchedSandboxes({ now: monotonicMs, end: endSandbox, say })
let rest = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (text: string) => {
  const lines = (rest + text).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) sandboxes.hear(JSON.parse(line) as WatchdogLine)
})
process.stdin.on('error', () => {})
// Also after an error, such as a connection that was reset.
process.stdin.on('close', () => void sandboxes.endAll().then(() => process.exit(0)))
