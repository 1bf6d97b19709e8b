import type { Duplex } from 'node:stream'

/** Starts the best interactive shell that the sandbox has. */
export const SHELL_SCRIPT =
  'if command -v bash >/dev/null 2>&1; then exec bash -i; else exec sh -i; fi'

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

export type SandboxShell =
  /** A program of this machine, to be started on the person's own terminal or pipes. */
  | {
      readonly kind: 'program'
      readonly command: string
      readonly args: readonly string[]
      readonly env: Readonly<Record<string, string>>
      readonly cwd: string
      readonly user?: { readonly uid: number; readonly gid: number }
    }
  /** Served by the engine; with a size it is a terminal. */
  | { readonly kind: 'served'; open(size: TerminalSize | undefined): Promise<ServedShell> }

export interface ServedShell {
  /** Its standard input; ending this stream closes it. */
  readonly input: Duplex
  /** Its output; ends with it. */
  readonly output: AsyncIterable<Uint8Array>
  resize(size: TerminalSize): Promise<void>
}
