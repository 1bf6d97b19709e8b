/**
 * Collects all garbage and returns the pages that are empty then: V8 keeps both for new objects, also while there are
 * none. Blocks for some tens of milliseconds, and so is for processes that rest. Does nothing unless Node was started
 * with `--expose-gc`, as the launcher does.
 */
export function releaseMemory(): void {
  // A regular collection leaves a third of that: it is to be quick, and expects more objects soon.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
