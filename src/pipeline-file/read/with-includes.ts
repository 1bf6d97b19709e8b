import { type IncludedFile, type IncludedFiles, type IncludeRef, nameOf } from './include-ref.ts'

/**
 * Parses a file repeatedly with the files it wants, until it wants nothing more: each round goes one level of
 * `include` deeper, which the parser bounds. `load` loads one file, or says why it can't.
 */
export async function withIncludes<Parsed>(
  parse: (files: IncludedFiles) => Promise<Parsed> | Parsed,
  load: (ref: IncludeRef) => Promise<IncludedFile>,
): Promise<Parsed> {
  const files = new Map<string, IncludedFile>()
  for (;;) {
    const parsed = await parse(files)
    const { wants = [] } = parsed as { readonly wants?: readonly IncludeRef[] }
    if (wants.length === 0) return parsed
    const loaded = await Promise.all(wants.map(load))
    for (const [i, ref] of wants.entries()) {
      files.set(nameOf(ref), loaded[i] ?? { trouble: 'it was not found' })
    }
  }
}
