import type { Readable, Writable } from 'node:stream'

export type Command = readonly [program: string, ...args: string[]]

export const ENDED_PIPE = Symbol('a pipe that has ended')
export const OPEN_PIPE = Symbol('a pipe that this process writes to')

export interface StartOptions {
  /** The whole environment; without a PATH it may have the usual one. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /**
   * Its standard input; `/dev/null` by default. `ENDED_PIPE`: a pipe that has ended, for a program that gives its
   * standard input away. `OPEN_PIPE`: what is written to `stdin`, until that is ended.
   */
  readonly input?: string | Uint8Array | typeof ENDED_PIPE | typeof OPEN_PIPE
  /** FIFOs that somebody reads from already, instead of streams of this process; or nothing is to be read. */
  readonly output?: OutputPaths | 'none'
}

export interface OutputPaths {
  readonly stdout: string
  readonly stderr: string
}

/** A program that was asked for. */
export interface StartedProgram {
  /** With `OPEN_PIPE`; to be ended, or destroyed. A program that ended early never drains it. */
  readonly stdin?: Writable
  /** What it writes; empty if its output goes elsewhere. To be read to the end, or destroyed. */
  readonly stdout: Readable
  readonly stderr: Readable
  /** Undefined until it has one; to be used only while it runs. */
  readonly pid: () => number | undefined
  /** Resolves once it has its streams, or never will. */
  readonly begun: Promise<void>
  /** How it has ended, when it has; others may still hold its streams. Rejects with `unavailable` if nobody knows. */
  readonly ended: Promise<ProgramEnd>
  /** Does nothing once it has ended. */
  readonly kill: (signal: NodeJS.Signals) => void
}

export interface ProgramEnd {
  /** 128 + n after signal n, as a shell has it. */
  readonly code: number
  /** Set if there is no such program. */
  readonly isMissing?: true
}
