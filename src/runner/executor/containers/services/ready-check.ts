import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadyCheck } from '../../../../core/plan/plan.ts'
import type { ExecResult } from '../steps/exec-once.ts'

export interface ReadyProbe {
  /** Runs a script in the service's own shell. */
  readonly run: (script: string, signal: AbortSignal) => Promise<ExecResult>
  /** Runs a script until it exits with 0, in another shell in the service's network. */
  readonly watch: (script: string, signal: AbortSignal) => Promise<void>
}

/** A job's own check, or that something listens on any of these ports. */
export type WantedCheck =
  | ReadyCheck
  | { readonly timeoutMs: number; readonly anyOf: readonly number[] }

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 1_000
/** A hanging try is abandoned after this time, in milliseconds. */
const TRY_MS = 15_000

export interface ReadyTries {
  last: string
}

/** Resolves once the check passes; rejects with the signal's reason, or if it can never pass. */
export async function untilReady(
  check: WantedCheck,
  probe: ReadyProbe,
  tries: ReadyTries,
  signal: AbortSignal,
): Promise<void> {
  const script = scriptOf(check)
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 1.5)) {
    const late = AbortSignal.timeout(TRY_MS)
    const { exitCode, tail } = await probe
      .run(script, AbortSignal.any([signal, late]))
      .catch((error: unknown) => {
        signal.throwIfAborted()
        if (!late.aborted) throw error
        return { exitCode: 1, tail: `it took longer than ${TRY_MS / 1000} s` }
      })
    if (exitCode === 0) return
    if (hasNoShell(exitCode, tail)) {
      if (!('command' in check)) return await probe.watch(script, signal)
      throw new Error('its image has no /bin/sh for `ready`: use a port instead of the command')
    }
    tries.last =
      'command' in check
        ? `the last try ended with exit code ${exitCode}${tail === '' ? '' : `: ${tail}`}`
        : `it does not listen on ${'ports' in check ? check.ports.join(' and ') : check.anyOf.join(' or ')}`
    await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

function hasNoShell(exitCode: number, tail: string): boolean {
  return (exitCode === 126 || exitCode === 127) && /exec.*\/bin\/sh/s.test(tail)
}

function scriptOf(check: WantedCheck): string {
  if ('command' in check) return check.command
  if ('ports' in check) return listenScript(check.ports)
  return check.anyOf.map((port) => `(${listenScript([port])}\n)`).join(' ||\n')
}

/**
 * Exits with 0 when something listens on each of the ports, and not on loopback only. Uses shell built-ins
 * only and the kernel's tables (proc(5)): whatever else an image lacks, those exist.
 */
function listenScript(ports: readonly number[]): string {
  const hex = ports.map((port) => port.toString(16).toUpperCase().padStart(4, '0'))
  return `
for port in ${hex.join(' ')}; do
  found=
  for table in /proc/net/tcp /proc/net/tcp6; do
    [ -r "$table" ] || continue
    while read -r _ at _ state _; do
      case "$state $at" in
        "0A 0100007F:"* | "0A 00000000000000000000000001000000:"*) ;;
        "0A "*":$port") found=1 ;;
      esac
    done <"$table"
  done
  [ -n "$found" ] || exit 1
done`
}
