/** A change of one source file: the text must stand there exactly once. */
export interface Edit {
  /** Relative to the checkout. */
  readonly file: `src/${string}.ts`
  readonly find: string
  readonly replace: string
}

/** The source with the edits made; throws when one does not fit, so that no list of them can rot. */
export function applyEdits(source: string, edits: readonly Edit[]): string {
  return edits.reduce((text, { file, find, replace }) => {
    const count = text.split(find).length - 1
    if (count === 1) return text.replace(find, () => replace)
    throw new Error(`${JSON.stringify(find)} stands ${count} times in ${file} instead of once`)
  }, source)
}
