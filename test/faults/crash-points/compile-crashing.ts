import { openNarwhalCompiler } from '../compile-narwhal.ts'

/** Compiles Narwhal and `crash-at.js`, which changes what Narwhal is made of: they share their parts. */
export async function compileCrashing(folder: string): Promise<string> {
  const programs = { 'crash-at': 'test/faults/crash-points/crash-at.ts' }
  await using compiler = await openNarwhalCompiler({ programs })
  return await compiler.compile(folder)
}
