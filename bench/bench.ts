/** What every benchmark is given. */
export interface BenchContext {
  /** The arguments behind its name. */
  readonly args: readonly string[]
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal
  /** For people: progress and tables. */
  readonly say: (line: string) => void
}

/** One benchmark of `npm run bench`. */
export interface Bench {
  readonly name: string
  /** What it measures, in a line. */
  readonly summary: string
  /**
   * Measures, says the tables, and resolves to the figures: they are printed as the last line, in
   * JSON, behind the benchmark's name. It leaves nothing behind, aborted or not.
   */
  readonly run: (context: BenchContext) => Promise<object>
}
