import type { Duplex } from 'node:stream'

/** The script of a shell for a person: the best one that is there. */
export const SHELL_SCRIPT =
  'if command -v bash >/dev/null 2>&1; then exec bash -i; else exec sh -i; fi'

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** How a person gets a shell in a sandbox. */
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
  /** What the engine serves; with a size it is a terminal. */
  | { readonly kind: 'served'; open(size: TerminalSize | undefined): Promise<ServedShell> }

export interface ServedShell {
  /** Writing goes to its standard input, and ending that ends it. */
  readonly input: Duplex
  /** What it says; ends with it. */
  readonly output: AsyncIterable<Uint8Array>
  resize(size: TerminalSize): Promise<void>
}
