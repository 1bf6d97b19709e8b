import { writeSync } from 'node:fs'
import { endSandbox } from './end-sandbox.ts'
import { monotonicMs, type WatchdogLine } from './watchdog-line.ts'
import { WatchedSandboxes } from './watched-sandboxes.ts'

/**
 * The process that `startWatchdog` starts: it reads lines from its runner on standard input, ends the
 * sandboxes that the runner no longer keeps, and all of them and itself at the end of the input, which
 * comes with the runner's end, of whatever kind. It must stay small, so it has few imports.
 */

/** In the format of the runner's log, on the same standard error, which may be closed. */
function say(msg: string): void {
  const line = { level: 40, time: Date.now(), pid: process.pid, name: 'watchdog', msg }
  try {
    writeSync(2, `${JSON.stringify(line)}\n`)
  } catch {
    // Nobody is there to read it.
  }
}

// Signals may go to the whole process group or control group: how to react is up to the runner.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})

const sandboxes = new WatchedSandboxes({ now: monotonicMs, end: endSandbox, say })
let rest = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (text: string) => {
  const lines = (rest + text).split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) sandboxes.onLine(JSON.parse(line) as WatchdogLine)
})
process.stdin.on('error', () => {})
// Also after an error, such as a connection reset.
process.stdin.on('close', () => void sandboxes.endAll().then(() => process.exit(0)))
