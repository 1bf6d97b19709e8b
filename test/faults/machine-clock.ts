import { readFileSync } from 'node:fs'

/**
 * Milliseconds since this machine was started: the one clock of a run. The steps of jobs read it from
 * /proc/uptime, to a hundredth of a second, which costs a shell no process.
 */
export function machineMs(): number {
  return performance.now() + OFFSET_MS
}

/** What the kernel wrote, as `12345.67`, in milliseconds. */
export function parseUptime(text: string): number {
  return Math.round(Number.parseFloat(text) * 1000)
}

/** The file's figure is cut off: right after it changed it is exact. */
function measureOffset(): number {
  const first = readUptime()
  for (;;) {
    const now = readUptime()
    if (now !== first) return now - performance.now()
  }
}

function readUptime(): number {
  return parseUptime(readFileSync('/proc/uptime', 'utf8'))
}

const OFFSET_MS = measureOffset()
