import { setTimeout as sleep } from 'node:timers/promises'
import type { HealthCheck } from '../container-engine.ts'
import type { ExecResult } from '../steps/exec-once.ts'

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000

export interface HealthTries {
  /** Runs the check's program in the service. */
  readonly run: (command: readonly string[], signal: AbortSignal) => Promise<ExecResult>
  readonly signal: AbortSignal
}

/**
 * Resolves when an image's HEALTHCHECK succeeds for the first time; rejects when it has failed as often in a row as
 * an engine accepts. It is tried more often than an engine does, so that steps don't wait for the next interval;
 * failures count only once per interval, so that a slow service has as much time as with an engine.
 */
export async function untilHealthy(
  check: HealthCheck,
  { run, signal }: HealthTries,
): Promise<void> {
  const begun = performance.now()
  let failures = 0
  /** When the next failure counts: an engine tries for the first time after one interval. */
  let countsAt = begun + check.intervalMs
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5)) {
    const late = AbortSignal.timeout(check.timeoutMs)
    const { exitCode, tail } = await run(check.command, AbortSignal.any([signal, late])).catch(
      (error: unknown) => {
        signal.throwIfAborted()
        if (!late.aborted) throw error
        return { exitCode: 1, tail: `it took longer than ${check.timeoutMs / 1000} s` }
      },
    )
    if (exitCode === 0) return
    const now = performance.now()
    if (now >= countsAt) {
      countsAt = now + check.intervalMs
      if (now - begun >= check.startPeriodMs) failures += 1
      if (failures >= check.retries) {
        const words = tail === '' ? '' : `: ${tail}`
        throw new Error(
          `its image's HEALTHCHECK has failed ${failures} times in a row (exit code ${exitCode}${words})`,
        )
      }
    }
    await sleep(Math.min(pauseMs, check.intervalMs), undefined, { signal }).catch(() =>
      signal.throwIfAborted(),
    )
  }
}

/** An image's HEALTHCHECK as it is published: Docker's own words, times in milliseconds. */
export interface PublishedCheck {
  /** `['CMD', …]`, `['CMD-SHELL', script]` or `['NONE']`. */
  readonly test: readonly string[]
  readonly intervalMs?: number | undefined
  readonly timeoutMs?: number | undefined
  readonly startPeriodMs?: number | undefined
  readonly retries?: number | undefined
}

/** Docker's defaults. */
const USUAL = { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, retries: 3 }

/** Undefined for `NONE` and for what is no check. `shell` is the image's own, if it names one. */
export function healthCheckOf(
  published: PublishedCheck | null | undefined,
  shell: readonly string[] = [],
): HealthCheck | undefined {
  if (!published) return undefined
  const [kind, ...words] = published.test
  const usual = shell.length > 0 ? shell : ['/bin/sh', '-c']
  const command = kind === 'CMD' ? words : kind === 'CMD-SHELL' ? [...usual, ...words] : []
  if (words.length === 0 || command.length === 0) return undefined
  return {
    command,
    intervalMs: published.intervalMs || USUAL.intervalMs,
    timeoutMs: published.timeoutMs || USUAL.timeoutMs,
    startPeriodMs: published.startPeriodMs ?? USUAL.startPeriodMs,
    retries: published.retries || USUAL.retries,
  }
}
