import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { type BuildOptions, context } from 'esbuild'
import { compileOptions } from '../../scripts/compile.mjs'

export const checkout = new URL('../../', import.meta.url).pathname.replace(/\/$/, '')

/** Where it would stand if it were not for a test. */
const OUTDIR = join(checkout, 'dist')

/** Compiles this checkout's Narwhal again and again; what has not changed is read only once. */
export interface NarwhalCompiler extends AsyncDisposable {
  /** Writes an installation into the folder, and resolves to the folder of its programs: `main.js`, … */
  compile(folder: string): Promise<string>
}

/** With more programs than its own, by their names, or with changes that a plugin makes. */
export async function openNarwhalCompiler(
  more: Pick<BuildOptions, 'plugins'> & { readonly programs?: Readonly<Record<string, string>> },
): Promise<NarwhalCompiler> {
  const { entryPoints, ...options } = compileOptions(OUTDIR)
  const builder = await context({
    ...options,
    entryPoints: { ...entryPoints, ...more.programs },
    plugins: more.plugins ?? [],
    write: false,
  })
  return {
    compile: async (folder) => {
      const { outputFiles } = await builder.rebuild()
      const programs = join(folder, 'dist')
      await mkdir(programs)
      await copyFile(join(checkout, 'package.json'), join(folder, 'package.json'))
      await Promise.all(
        outputFiles.map(({ path, contents }) =>
          writeFile(join(programs, relative(OUTDIR, path)), contents),
        ),
      )
      return programs
    },
    [Symbol.asyncDispose]: () => builder.dispose(),
  }
}
