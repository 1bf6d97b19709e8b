import type { OciRlimit } from './oci-json.ts'

/** The limits of a process, as /proc/self/limits has them; Infinity for none. */
export interface OwnRlimits {
  readonly openFiles: Limit
  readonly stackBytes: Limit
}

interface Limit {
  readonly soft: number
  readonly hard: number
}

/** Enough for any build. */
export const OPEN_FILES = 16_384
/** The kernel's default. */
const STACK_BYTES = 8 * 1024 * 1024

/**
 * The limits of each process of a container. They are always set: what the runner has itself may be anything,
 * and some programs close every file descriptor up to the limit, which takes minutes for a limit of 10⁹. They
 * are never above the runner's own hard limits, which only some runners may raise.
 */
export function rlimitsOf(
  { openFiles, stackBytes }: OwnRlimits,
  wantedFiles = OPEN_FILES,
): readonly OciRlimit[] {
  const files = Math.min(wantedFiles, openFiles.hard)
  return [
    { type: 'RLIMIT_NOFILE', soft: files, hard: files },
    { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    ...stackLimit(stackBytes),
  ]
}

/** For people; empty if nothing is lower than it should be. */
export function loweredRlimits({ openFiles }: OwnRlimits): string {
  if (openFiles.hard >= OPEN_FILES) return ''
  return `processes in containers may open ${openFiles.hard} files instead of ${OPEN_FILES}, since the runner itself may not open more: raise its limit (LimitNOFILE= of its unit, or ulimit -Hn)`
}

/**
 * Inherited where the runner has the default: no limit at all, the usual hard one, is a number that JSON as
 * Node writes it can't express.
 */
function stackLimit({ soft, hard }: Limit): readonly OciRlimit[] {
  if (soft === STACK_BYTES) return []
  const most = Math.min(hard, Number.MAX_SAFE_INTEGER)
  return [{ type: 'RLIMIT_STACK', soft: Math.min(STACK_BYTES, most), hard: most }]
}

/**
 * How likely a container's processes are killed when the machine runs out of memory, given the text of
 * /proc/self/oom_score_adj: as usual, also where the runner is protected. Where it is the other way round, only
 * a privileged runner could set them to the usual value.
 */
export function oomScoreOf(own: string): number {
  return Math.max(0, Number.parseInt(own, 10) || 0)
}

/** Parses the text of /proc/self/limits. */
export function parseRlimits(text: string): OwnRlimits {
  return {
    openFiles: limitIn(text, 'Max open files'),
    stackBytes: limitIn(text, 'Max stack size'),
  }
}

function limitIn(text: string, name: string): Limit {
  const [soft, hard] = (text.split('\n').find((line) => line.startsWith(name)) ?? '')
    .slice(name.length)
    .trim()
    .split(/\s+/)
  return { soft: valueOf(soft), hard: valueOf(hard) }
}

function valueOf(word: string | undefined): number {
  return word !== undefined && /^\d+$/.test(word) ? Number(word) : Number.POSITIVE_INFINITY
}
